"""Memory while streams are large, slow and many: none of it depends on their size."""

import pytest

from support.environment import Launcher
from support.sample_events import function_url
from support.slow_reader import SlowReader

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming", "EVERLOOP_EXTENSION": "off"}
MEBIBYTE = 1024 * 1024
PIECE = 64 * 1024


def flows(
    launch: Launcher,
    loop: dict[str, str],
    *,
    pieces: int,
    rate: float | None,
    at_once: int,
    timeout: float,
    handler: str = "streaming:numbered",
) -> int:
    """Stream to a reader at this pace; check every byte; give the growth of the process's memory at its peak."""
    settings = {**STREAMING, **loop, "PIECES": str(pieces)}
    if at_once > 1:
        settings["AWS_LAMBDA_MAX_CONCURRENCY"] = str(at_once)
    with SlowReader(function_url(), 0, rate, receive_buffer=64 * 1024) as api:
        env = launch(handler, {**settings, "AWS_LAMBDA_RUNTIME_API": api.address})
        api.wait("polls", lambda: api.polls >= at_once, 10)
        before = env.process.memory("VmHWM")
        api.go(at_once)
        streams = api.wait_for_streams(at_once, timeout)
        growth = env.process.memory("VmHWM") - before
        assert [stream.size for stream in streams] == [pieces * PIECE] * at_once
        assert [stream.pieces for stream in streams] == [pieces] * at_once, "every piece once and in order"
        assert not any(stream.trailers for stream in streams)
        assert api.faults == []
    return growth


def test_slow_reader(launch: Launcher, loop: dict[str, str]) -> None:
    """20 MiB through a reader of 8 MB/s: `send()` waits, and memory grows by less than 2 MiB. tests/soak has 1 GiB."""
    assert flows(launch, loop, pieces=320, rate=8e6, at_once=1, timeout=30) < 2 * MEBIBYTE


def test_64_slow_readers_at_once(launch: Launcher, loop: dict[str, str]) -> None:
    """64 streams of 1 MiB at once: what is in this process is a piece or so of each, not the streams."""
    assert flows(launch, loop, pieces=16, rate=0.5e6, at_once=64, timeout=40) < 64 * 4 * PIECE


@pytest.mark.parametrize("kind", ["generator", "async_generator", "wsgi"])
@pytest.mark.parametrize("at_once", [1, 4])
def test_handlers_of_other_kinds(launch: Launcher, kind: str, at_once: int) -> None:
    """What a generator or a WSGI application makes waits for the reader as well, on the main thread and on others."""
    handler = f"streaming_handlers:{kind}"
    growth = flows(launch, {}, pieces=160, rate=8e6, at_once=at_once, timeout=30, handler=handler)
    # Threads bring stacks and arenas of their own; the streams are 10 MiB each.
    assert growth < (2 if at_once == 1 else 6) * MEBIBYTE
