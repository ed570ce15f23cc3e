"""Files of environment variables."""

from pathlib import Path

import pytest

from everloop.dev.env_file import parse_line, read_env_file


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A = b c ", "b c"),
        ("export A=b", "b"),
        ("A=", ""),
        ("A=b=c", "b=c"),
        ("A=b # comment", "b"),
        ("A=b#c", "b#c"),
        ("A=# comment", ""),
        ("A='b # c'", "b # c"),
        (r"A='\n'", r"\n"),
        (r'A="a\nb\t\"c\"\\"', 'a\nb\t"c"\\'),
        ('A="b"  # comment', "b"),
        ("A=http://x/?y=1&z=2", "http://x/?y=1&z=2"),
        ("A=$HOME", "$HOME"),
    ],
)
def test_values(line: str, value: str) -> None:
    """As docker and the dotenv libraries read them; nothing is expanded."""
    assert parse_line(line) == ("A", value)


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_value_in_quotes_may_have_several_lines(tmp_path: Path, quote: str) -> None:
    """A key in PEM, for example; what follows it is read as always."""
    file = tmp_path / "a.env"
    file.write_text(f"KEY={quote}-----BEGIN\n\n  # abc\nEND-----{quote}  # comment\nB=1\n", encoding="utf-8")

    assert read_env_file(file) == {"KEY": "-----BEGIN\n\n  # abc\nEND-----", "B": "1"}


def test_quotes_that_are_never_closed_are_told_by_their_first_line(tmp_path: Path) -> None:
    """Not by the last line of the file."""
    file = tmp_path / "a.env"
    file.write_text("A=1\nKEY='one\ntwo\nB=1\n", encoding="utf-8")

    with pytest.raises(ValueError, match="line 2: the value \"'one\" begins with ' and does not end with it"):
        read_env_file(file)


@pytest.mark.parametrize("line", ["A", "1A=b", "A-B=c", "=b", 'A="b', "A='b", 'A="b" c'])
def test_what_is_no_variable_is_an_error(line: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match=r"expected NAME=value|begins with"):
        parse_line(line)


def test_a_file(tmp_path: Path) -> None:
    """Comments, blank lines, a byte order mark, Windows' line ends; the last one of a name wins."""
    file = tmp_path / "a.env"
    file.write_bytes("\ufeff# comment\r\n\r\nA=1\r\nB=ü\r\nA=2".encode())

    assert read_env_file(file) == {"A": "2", "B": "ü"}


def test_what_is_no_text_is_an_error(tmp_path: Path) -> None:
    """By the file's name."""
    file = tmp_path / "a.env"
    file.write_bytes(b"A=\xff\xfe")

    with pytest.raises(ValueError, match=r"a\.env is not UTF-8"):
        read_env_file(file)
