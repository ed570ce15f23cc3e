"""Streams at their real size and length: `pytest -m soak tests/soak`, some minutes."""

import time

import pytest

from support.environment import Launcher
from support.sample_events import function_url
from support.slow_reader import SlowReader

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming", "EVERLOOP_EXTENSION": "off"}
MEBIBYTE = 1024 * 1024
GIBIBYTE_OF_PIECES = 16 * 1024


def growth(launch: Launcher, rate: float | None, at_once: int, pieces: int) -> int:
    settings = {**STREAMING, "PIECES": str(pieces)}
    if at_once > 1:
        settings["AWS_LAMBDA_MAX_CONCURRENCY"] = str(at_once)
    with SlowReader(function_url(), 0, rate, receive_buffer=64 * 1024) as api:
        env = launch("streaming:numbered", {**settings, "AWS_LAMBDA_RUNTIME_API": api.address})
        api.wait("polls", lambda: api.polls >= at_once, 10)
        before = env.process.memory("VmHWM")
        api.go(at_once)
        streams = api.wait_for_streams(at_once, 500)
        assert [stream.pieces for stream in streams] == [pieces] * at_once
        return env.process.memory("VmHWM") - before


@pytest.mark.parametrize("rate", [None, 5e6], ids=["at once", "5 MB/s"])
def test_a_gibibyte_in_flat_memory(launch: Launcher, rate: float | None) -> None:
    """1 GiB, as fast as it goes and through a reader of 5 MB/s (215 s): less than 2 MiB of growth."""
    assert growth(launch, rate, 1, GIBIBYTE_OF_PIECES) < 2 * MEBIBYTE


def test_64_streams_at_once_in_flat_memory(launch: Launcher) -> None:
    """64 streams of 32 MiB at 0.5 MB/s each: memory is that of 64 short ones."""
    assert growth(launch, 0.5e6, 64, 512) < 64 * 256 * 1024


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
