"""Files of environment variables: `NAME=value` lines, as docker and the dotenv libraries read them."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)", re.DOTALL)
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_SINGLE = re.compile(r"'([^']*)'\s*(?:#.*)?")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class Unclosed(ValueError):
    """Raised for a value whose quotes are not closed."""


def read_env_file(path: Path) -> dict[str, str]:
    """Give a file's variables. Raises `ValueError`, which names the line, and `OSError`.

    Blank lines and lines that begin with `#` are passed over. A value may be in single quotes, where everything stands
    for itself, or in double quotes, where `\\n`, `\\t`, `\\"` and `\\\\` are escapes; a bare one ends before ` #`.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from error
    variables = {}
    lines = enumerate(text.splitlines(), 1)
    for number, line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            name, value = _parse(stripped, lines)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
        variables[name] = value
    return variables


def _parse(first: str, lines: Iterator[tuple[int, str]]) -> tuple[str, str]:
    """Give the name and the value that begin in a line; one in quotes may go on in the following. Raises `ValueError`.

    Where the quotes are never closed, the first line is what is wrong.
    """
    try:
        return parse_line(first)
    except Unclosed as unclosed:
        together = first
        for _, line in lines:
            together = f"{together}\n{line}"
            with contextlib.suppress(Unclosed):
                return parse_line(together.rstrip())
        raise unclosed from None


def parse_line(line: str) -> tuple[str, str]:
    """Give the name and the value of a line. Raises `ValueError`."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"expected NAME=value, found {line!r}")
    return found["name"], _value(found["value"])


def _value(written: str) -> str:
    if written.startswith('"'):
        quoted = _DOUBLE.fullmatch(written)
        if quoted is None:
            raise Unclosed(f'the value {written!r} begins with " and does not end with it')
        return _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), quoted[1])
    if written.startswith("'"):
        quoted = _SINGLE.fullmatch(written)
        if quoted is None:
            raise Unclosed(f"the value {written!r} begins with ' and does not end with it")
        return quoted[1]
    return re.split(r"(?:^|\s)#", written, maxsplit=1)[0].rstrip()
