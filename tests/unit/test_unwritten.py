"""Text without a line's end: when it leaves, and in how many writes."""

import io
import os
from collections.abc import Iterator

import pytest

from everloop.unwritten import Unwritten


class Recording(io.RawIOBase):
    """The other side of a stream: what came in which writes."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        self.writes.append(bytes(data))  # type: ignore[call-overload]
        return len(self.writes[-1])


@pytest.fixture
def raw() -> Recording:
    return Recording()


@pytest.fixture
def stream(raw: Recording) -> Iterator[io.TextIOWrapper]:
    with io.TextIOWrapper(io.BufferedWriter(raw), line_buffering=True) as made:
        yield made


@pytest.fixture
def watching(stream: io.TextIOWrapper, monkeypatch: pytest.MonkeyPatch) -> Unwritten:
    monkeypatch.setattr(os, "register_at_fork", lambda **_: None)
    made = Unwritten()
    made.watch(stream)
    return made


def test_print_is_one_write(raw: Recording, stream: io.TextIOWrapper, watching: Unwritten) -> None:
    """It gives its text and the line's end apart."""
    print("one", "line", file=stream)
    print("two\nlines", file=stream)
    assert raw.writes == [b"one line\n", b"two\nlines", b"\n"]  # the last as without us: there is a line's end in it


def test_what_has_no_line_end_leaves_by_a_flush(raw: Recording, stream: io.TextIOWrapper, watching: Unwritten) -> None:
    """It is noted, once."""
    stream.write("part")
    assert watching.pending
    watching.flush()
    assert raw.writes == [b"part"]
    assert not watching.pending


def test_whole_lines_are_not_pending(stream: io.TextIOWrapper, watching: Unwritten) -> None:
    """Those who log pay for nothing."""
    stream.write("a line\n")
    assert not watching.pending


def test_a_stream_that_is_closed_or_broken_does_no_harm(stream: io.TextIOWrapper, watching: Unwritten) -> None:
    """Whoever writes to it is told."""
    stream.write("part")
    stream.close()
    watching.flush()
    watching.flush_in_time()
    with pytest.raises(ValueError, match="closed"):
        stream.write("more")


def test_streams_that_are_not_pythons_own_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """None, where there is no standard output, and objects without attributes of their own."""
    monkeypatch.setattr(os, "register_at_fork", lambda **_: None)
    Unwritten().watch(None, io.StringIO())  # type: ignore[arg-type]


def test_output_that_nobody_reads_keeps_no_process(watching: Unwritten) -> None:
    """A pipe that is full: the end comes all the same."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 65536)
    except BlockingIOError:
        os.set_blocking(writing, True)

    def write() -> None:
        os.write(writing, b"the last line\n")

    watching.flush_in_time(write)
    os.read(reading, 1 << 20)  # lets the thread end
