"""Streamed responses through the emulator: as they come, no faster than they are read, and how they break."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from everloop.dev.calls import CallFailed, Failure
from support.emulated import Called, Emulated

MB = 1024 * 1024


@pytest.fixture(scope="module")
def emulated() -> Iterator[Emulated]:
    """One function for all laws that leave it fit for the next."""
    with Emulated("emulated.stream", streaming=True) as emulated:
        yield emulated


def read(call: Called) -> tuple[bytes, CallFailed | None]:
    """Read a body to its end; give it, and what it failed with."""
    body = bytearray()
    try:
        for piece in call.pieces():
            body += piece
    except CallFailed as failed:
        return bytes(body), failed
    return bytes(body), None


def test_pieces_come_as_they_leave(emulated: Emulated, tmp_path: Path) -> None:
    """The caller has each piece before the function makes the next one."""
    call = emulated.call({"count": 3, "gates": str(tmp_path)}, streaming=True)
    begun = call.begun()
    assert begun.streamed
    assert begun.content_type == "application/octet-stream"
    pieces = []
    for number, piece in enumerate(call.pieces()):
        pieces.append(piece)
        assert call.record.responded_at is None
        (tmp_path / str(number)).touch()
    assert pieces == [b"a", b"b", b"c"]
    record = call.finished()
    assert record.response_mode == "streaming"
    assert record.streaming
    assert [size for _, size in record.produced] == [1, 2, 3]
    assert record.first_byte_at == record.produced[0][0] <= record.produced[2][0] <= (record.responded_at or 0)
    assert record.response_bytes == 3


def test_a_large_stream_arrives_whole_and_is_not_kept(emulated: Emulated) -> None:
    """100 MB come unchanged; the record keeps the beginning only."""
    call = emulated.call({"count": 100, "size": 1_000_000}, streaming=True)
    at = 0
    for piece in call.pieces():
        # Piece number n of the function is a million of its letter.
        letters = {bytes([97 + n // 1_000_000 % 26]) for n in (at, at + len(piece) - 1)}
        assert piece[:1] in letters
        assert piece[-1:] in letters
        at += len(piece)
    assert at == 100_000_000
    assert call.record.response_bytes == 100_000_000
    assert len(call.record.response) == 256 * 1024


def test_a_slow_reader_holds_the_function_up(emulated: Emulated) -> None:
    """The runtime is read no faster than the caller reads: what is in between stays small, and nothing is lost."""
    call = emulated.call({"count": 640, "size": 65536}, streaming=True)  # 40 MiB
    pieces = call.pieces()
    size = len(next(pieces))

    def taken() -> int:
        return sum("taken" in line.text for line in call.record.logs)

    seen = -1
    while seen != taken() or not seen:  # until nothing has moved for a second
        seen = taken()
        time.sleep(1.0)
    assert seen < 320  # half of it; the sockets' buffers hold some MB
    assert call.record.response_bytes < 2 * MB
    size += sum(map(len, pieces))
    assert size == 40 * MB


def test_an_error_in_mid_stream(emulated: Emulated) -> None:
    """The pieces that came are given, then the failure from the trailers is raised."""
    call = emulated.call({"count": 2, "fail": "in the middle"}, streaming=True)
    body, failed = read(call)
    assert body == b"ab"
    assert failed is not None
    assert failed.kind is Failure.FUNCTION
    assert failed.error_type == "Function.LookupError"
    assert json.loads(failed.payload)["errorMessage"] == "in the middle"
    assert read(emulated.call({"count": 1}, streaming=True)) == (b"a", None)


def test_an_error_before_the_first_byte(emulated: Emulated) -> None:
    """A failure instead of a response is raised by `begun()` already."""
    failed = emulated.call({"no": "count"}, streaming=True).failure()
    assert failed.error_type == "Function.KeyError"


def test_kill_in_mid_stream(emulated: Emulated) -> None:
    """kill -9: the caller gets what came, then the failure; the next call is served by a new environment."""
    call = emulated.call({"count": 1000, "size": 1000, "pause": 0.02}, streaming=True)
    pieces = call.pieces()
    body = next(pieces)
    pid = emulated.environment.pid
    os.kill(pid, signal.SIGKILL)
    failed = None
    try:
        for piece in pieces:
            body += piece
    except CallFailed as error:
        failed = error
    assert failed is not None
    assert failed.kind is Failure.EXIT
    assert b"Runtime exited with error: signal: killed" in failed.payload
    assert body == b"".join(bytes([97 + n % 26]) * 1000 for n in range(1000))[: len(body)]
    assert len(body) == call.record.response_bytes
    assert call.record.failure == "exit"
    assert read(emulated.call({"count": 2}, streaming=True)) == (b"ab", None)
    assert emulated.environment.pid != pid


def test_kill_while_the_caller_does_not_read(emulated: Emulated) -> None:
    """What had left the process before its end still reaches a caller that reads later."""
    call = emulated.call({"count": 64, "size": 65536, "exit": 5}, streaming=True)  # 4 MiB; then it exits
    first = next(call.pieces())
    emulated.until(lambda: not emulated.function.environments, "that the end is noticed")
    body, failed = read(call)
    assert len(first) + len(body) == 4 * MB
    assert failed is not None
    assert failed.kind is Failure.EXIT


def test_a_timeout_in_mid_stream() -> None:
    """The timeout covers the whole stream."""
    with Emulated(
        "emulated.stream", streaming=True, timeout=1.0, environ={"EVERLOOP_DEADLINE_MARGIN": "0"}
    ) as emulated:
        call = emulated.call({"count": 1000, "pause": 0.05}, streaming=True)
        body, failed = read(call)
        assert body.startswith(b"a")
        assert failed is not None
        assert failed.kind is Failure.TIMEOUT


def test_a_caller_that_goes_away(emulated: Emulated) -> None:
    """The function is not interrupted: the rest is read and dropped, and the environment serves the next call."""
    call = emulated.call({"count": 320, "size": 65536}, streaming=True)
    next(call.pieces())
    call.abandon()
    assert read(emulated.call({"count": 2}, streaming=True)) == (b"ab", None)
    assert call.record.client_gone
    assert call.record.response_bytes == 20 * MB
    assert call.record.failure is None


def test_a_streaming_runtime_called_for_a_buffered_response(emulated: Emulated) -> None:
    """The pieces are collected for the caller; over 6 MiB and 100 bytes the call fails."""
    assert emulated.call({"count": 3}).payload() == b"abc"
    failed = emulated.call({"count": 100, "size": 65536}).failure()
    assert failed.kind is Failure.TOO_LARGE
    failed = emulated.call({"count": 3, "fail": "late"}).failure()
    assert failed.error_type == "Function.LookupError"
    assert emulated.call({"count": 1}).payload() == b"a"


def test_a_buffered_runtime_called_for_a_stream() -> None:
    """A whole response is streamed out in one go."""
    with Emulated("emulated.obey") as emulated:
        call = emulated.call({"n": 1}, streaming=True)
        assert not call.begun().streamed
        body, failed = read(call)
        assert json.loads(body)["event"] == {"n": 1}
        assert failed is None


def test_the_bandwidth_limit() -> None:
    """6 MB come at once, what follows at 2 MB a second."""
    with Emulated("emulated.stream", streaming=True, bandwidth_limit=True) as emulated:
        call = emulated.call({"count": 8 * 16, "size": 65536}, streaming=True)  # 8 MiB
        began = time.monotonic()
        body, failed = read(call)
        assert time.monotonic() - began > 0.8
        assert len(body) == 8 * MB
        assert failed is None
