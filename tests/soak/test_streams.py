"""Streams at their real size and length: `pytest -m soak tests/soak`, some minutes."""

import time
from typing import NamedTuple

import pytest

from support.environment import Launcher
from support.sample_events import function_url
from support.slow_reader import SlowReader

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming", "EVERLOOP_EXTENSION": "off"}
MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE
PIECE = 64 * 1024
GIBIBYTE_OF_PIECES = GIBIBYTE // PIECE


class Growth(NamedTuple):
    """Bytes by which a process's memory grew at its peak."""

    whole: int
    under_way: int
    """After the first 16 MiB of every stream."""


def flows(launch: Launcher, rate: float | None, at_once: int) -> Growth:
    """Send a gibibyte to each of so many readers at this pace, and look at every piece, every trailer and the time."""
    settings = {**STREAMING, "PIECES": str(GIBIBYTE_OF_PIECES)}
    if at_once > 1:
        settings["AWS_LAMBDA_MAX_CONCURRENCY"] = str(at_once)
    with SlowReader(function_url(), 0, rate, receive_buffer=64 * 1024) as api:
        env = launch("streaming:numbered", {**settings, "AWS_LAMBDA_RUNTIME_API": api.address})
        api.wait("polls", lambda: api.polls >= at_once, 10)
        before, begun = env.process.memory("VmHWM"), time.monotonic()
        api.go(at_once)
        while len(api.streams) < at_once or any(stream.size < 16 * MEBIBYTE for stream in api.streams):
            assert time.monotonic() - begun < 60
            time.sleep(0.02)
        under_way = env.process.memory("VmHWM")
        streams = api.wait_for_streams(at_once, 500)
        after = env.process.memory("VmHWM")
        assert [(stream.pieces, stream.size) for stream in streams] == [(GIBIBYTE_OF_PIECES, GIBIBYTE)] * at_once
        assert not any(stream.trailers for stream in streams)
        assert api.faults == []
        assert rate is None or time.monotonic() - begun > 0.95 * GIBIBYTE / rate, "the reader's pace is the stream's"
        api.wait("polls", lambda: api.polls == 2 * at_once, 10)
    return Growth(after - before, after - under_way)


@pytest.mark.parametrize("rate", [None, 5e6], ids=["at once", "5 MB/s"])
def test_a_gibibyte_in_flat_memory(launch: Launcher, rate: float | None) -> None:
    """1 GiB, as fast as it goes and through a reader of 5 MB/s (215 s): less than 2 MiB of growth."""
    assert flows(launch, rate, 1).whole < 2 * MEBIBYTE


def test_64_such_streams_at_once_in_flat_memory(launch: Launcher) -> None:
    """64 gibibytes through 64 readers of 5 MB/s each: a piece or two of each is in memory, however long it goes on."""
    growth = flows(launch, 5e6, 64)
    assert growth.whole < 64 * 4 * PIECE
    assert growth.under_way < 2 * MEBIBYTE


def test_a_silent_stream_of_two_minutes(launch: Launcher) -> None:
    """A keep-alive comment every 15 s and nothing else: the stream stays up, and costs next to no time."""
    env = launch("generating:app", {**STREAMING, "PERIOD": "15", "SECONDS": "120"})
    exchange = env.invoke(function_url("/silent"), timeout=900).wait_for_bytes(b"begins")
    begun, cpu = time.monotonic(), env.process.cpu_seconds()
    exchange.wait(180)
    assert time.monotonic() - begun > 115
    assert env.process.cpu_seconds() - cpu < 0.5
    assert exchange.request.stream().count(b": keep-alive\n\n") == 8
    assert exchange.trailers == {}
