"""Output where a line has a limit: nothing is lost, and no line is longer than Lambda reads."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everloop import logs
from everloop.invocation import Invocation, current
from everloop.long_lines import BrokenLines, JsonFormatterInParts

REQUEST_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
READ = 64 * 1024
"""Bytes of a line, its end included, that are read at most (bufio.Scanner)."""


@pytest.fixture(autouse=True)
def invocation() -> Iterator[None]:
    token = current.set(Invocation({b"Lambda-Runtime-Aws-Request-Id": REQUEST_ID.encode()}, b"{}"))
    yield
    current.reset(token)


@given(st.integers(0, 140_000), st.sampled_from(["x", '"', "\\", "\n", "é", "\U0001f680", "\udc80", "\0"]))
@settings(max_examples=60, deadline=None)
def test_a_record_that_is_too_long_for_a_line_is_written_in_parts(length: int, character: str) -> None:
    """No line is longer than Lambda reads, each is a record of the invocation's, and joined they are the whole."""
    found = logging.getLogger("courier").makeRecord("courier", 20, "main.py", 7, character * length, (), None)
    found.orders = [1, 2]
    whole = logs.JsonFormatter().format(found)
    lines = JsonFormatterInParts().format(found).split("\n")

    assert all(len(line.encode("utf-8", "backslashreplace")) < READ for line in lines)
    if len(whole.encode("utf-8", "backslashreplace")) <= 60_000:
        assert lines == [whole]
        return
    parts = [json.loads(line) for line in lines]
    assert "".join(part["message"] for part in parts) == whole
    assert [part["part"] for part in parts] == [f"{number}/{len(parts)}" for number in range(1, len(parts) + 1)]
    shared = {(part["requestId"], part["level"], part["logger"], part["timestamp"]) for part in parts}
    assert shared == {(REQUEST_ID, "INFO", "courier", json.loads(whole)["timestamp"])}


@given(
    st.lists(
        st.tuples(st.integers(0, 140_000), st.sampled_from(["x", "é", "\U0001f680", "\udc80"])), min_size=1, max_size=3
    )
)
@settings(max_examples=60, deadline=None)
def test_lines_that_are_printed_are_broken_where_they_are_too_long(lines: list[tuple[int, str]]) -> None:
    """And nowhere else."""
    text = "\n".join(character * length for length, character in lines) + "\n"
    file = io.BytesIO()
    stream = BrokenLines(file, encoding="utf-8", errors="backslashreplace", line_buffering=True)

    assert stream.write(text) == len(text)
    written = file.getvalue()
    assert all(len(line) < READ for line in written.split(b"\n"))
    assert written.replace(b"\n", b"") == text.replace("\n", "").encode("utf-8", "backslashreplace")
    if all(len(line.encode("utf-8", "backslashreplace")) <= 60_000 for line in text.split("\n")):
        assert written == text.encode("utf-8", "backslashreplace")


@given(st.lists(st.tuples(st.integers(0, 70_000), st.sampled_from(["x", "é", "\udc80", "x\n", " \r"])), max_size=8))
@settings(max_examples=60, deadline=None)
def test_lines_that_are_printed_in_pieces_are_broken_too(pieces: list[tuple[int, str]]) -> None:
    """A line's length is that of all that was written to it; where that is not too long nothing is added."""
    texts = [character * (length // len(character)) for length, character in pieces]
    file = io.BytesIO()
    stream = BrokenLines(file, encoding="utf-8", errors="backslashreplace", line_buffering=True)

    assert [stream.write(text) for text in texts] == [len(text) for text in texts]
    stream.flush()
    written = file.getvalue()
    whole = "".join(texts).encode("utf-8", "backslashreplace")
    assert all(len(line) < READ for line in written.split(b"\n"))
    assert written.replace(b"\n", b"") == whole.replace(b"\n", b"")
    if all(len(line) <= 60_000 for line in whole.split(b"\n")):
        assert written == whole


def test_a_line_that_was_begun_ends_where_it_ends() -> None:
    """Although one that is too long comes with its end."""
    file = io.BytesIO()
    stream = BrokenLines(file, encoding="utf-8", errors="backslashreplace", line_buffering=True)
    for text in ("begun, ", "ended\n" + "x" * 70_000 + "\n"):
        stream.write(text)

    assert file.getvalue().split(b"\n")[0] == b"begun, ended"
