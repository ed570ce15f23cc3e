"""Generators behind streams: closed whatever ends them, compressed piece by piece, silent for as long as they like."""

import base64
import gzip
import threading
import time
import zlib

import pytest

from support.answers import Answer, Drop, Stall
from support.environment import Launcher
from support.exchange import Exchange
from support.gates import Gates
from support.sample_events import function_url
from support.scripted_api import ScriptedRuntimeApi

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming"}
MARGIN = {"EVERLOOP_DEADLINE_MARGIN": "0.4"}
NULS = b"\0" * 8


@pytest.mark.parametrize("app", ["app", "behind_middleware"])
@pytest.mark.parametrize("kind", ["waits", "floods", "blocks"])
def test_deadline_closes_generators(launch: Launcher, loop: dict[str, str], kind: str, app: str) -> None:
    """Near the deadline a generator is closed, the stream ends with trailers, and the slot polls after that."""
    # A flood is read by the test more slowly than it is written, so it needs more room between margin and timeout.
    floods = kind == "floods"
    timeout = 2.0 if floods else 1.0
    margin = {"EVERLOOP_DEADLINE_MARGIN": "1.0"} if floods else MARGIN
    env = launch(f"generating:{app}", {**STREAMING, **margin, **loop})
    exchange = env.invoke(function_url(f"/{kind}"), timeout=timeout).wait()
    assert exchange.trailers["lambda-runtime-function-error-type"] == "Runtime.DeadlineExceeded"
    assert exchange.request.completed_at is not None
    if not floods:
        assert exchange.request.completed_at - exchange.delivered_at < timeout
    poll = env.api.wait_for_poll()[0]
    # Behind anyio's task groups every `await` in a cancelled `finally` raises at once.
    closed = env.process.wait_for_log("generator closing" if app == "behind_middleware" else "generator closed")
    assert closed.at - exchange.delivered_at < timeout
    assert closed.at - poll.received_at < 0.05  # its log line comes through a pipe
    assert not env.process.logged("left to itself")


@pytest.mark.parametrize("kind", ["waits", "floods", "blocks"])
def test_broken_connection_closes_generators(launch: Launcher, kind: str) -> None:
    """When the connection breaks, what the application holds is let go as soon as it sends or is stopped."""
    env = launch("generating:app", {**STREAMING, **MARGIN})
    exchange = env.invoke(function_url(f"/{kind}"), timeout=1.5, answer=Drop(after=1)).wait()
    closed = env.process.wait_for_log("generator closing")
    assert exchange.request.broken_at is not None
    if kind != "waits":  # which does not send: only its deadline reaches it
        assert closed.at - exchange.request.broken_at < 0.2
    env.api.wait_for_poll()
    assert len(exchange.requests) == 1


@pytest.mark.parametrize("app", ["app", "behind_middleware"])
def test_generators_that_raise(launch: Launcher, app: str) -> None:
    """The trailers name the user's own exception, and the body has no word of it.

    Starlette's BaseHTTPMiddleware sends the last message itself before it raises: all that is left then is the log.
    """
    env = launch(f"generating:{app}", STREAMING)
    for kind in ("raises", "raises-in-a-thread") * 2:
        exchange = env.invoke(function_url(f"/{kind}")).wait()
        assert exchange.request.stream() == b"half"
        if app == "app":
            assert exchange.trailers["lambda-runtime-function-error-type"] == "Function.LookupError"
            assert exchange.request.trailer_error()["errorMessage"] == "in mid-stream"
        else:
            assert exchange.raw.endswith(b"\r\n4\r\nhalf\r\n0\r\n\r\n")
        logged = env.process.wait_for_log(f"{exchange.request_id}.*LookupError: in mid-stream").text
        assert ("after its response was complete" in logged) == (app == "behind_middleware")


def test_broken_connection_stops_who_listens(launch: Launcher, loop: dict[str, str]) -> None:
    """sse-starlette waits for the disconnect: it is cancelled within 100 ms of the break, not at the deadline."""
    env = launch("generating:app", {**STREAMING, **loop})
    waits = []
    for count in (1, 2, 3):
        exchange = env.invoke(function_url("/listens"), timeout=60, answer=Drop(after=1)).wait()
        closing = env.process.wait_for_logs("generator closing", count)[-1]
        assert exchange.request.broken_at is not None
        waits.append(closing.at - exchange.request.broken_at)
        poll = env.api.wait_for_poll()[0]
        assert poll.connection is not exchange.request.connection
    assert min(waits) < 0.1  # the best of several, because the machine may be busy


def test_deadline_of_a_stream_that_nobody_reads(launch: Launcher, loop: dict[str, str]) -> None:
    """The generator is closed in time while `send()` waits; who reads after all finds the trailers, and a poll."""
    resume = threading.Event()
    with ScriptedRuntimeApi(receive_buffer=16 * 1024) as api:
        env = launch("generating:app", {**STREAMING, **MARGIN, **loop}, api=api)
        stalled = Answer(stall=Stall(after=1, until=resume))
        exchange = env.invoke(function_url("/floods"), timeout=1.5, answer=stalled).wait_for_delivery()
        closing = env.process.wait_for_log("generator closing")
        assert closing.at - exchange.delivered_at < 1.5
        assert not exchange.request.complete
        resume.set()
        exchange.wait()
        assert exchange.trailers["lambda-runtime-function-error-type"] == "Runtime.DeadlineExceeded"
        assert set(exchange.request.stream()) == {ord("x")}
        api.wait_for_poll()
        assert env.invoke(function_url("/background")).wait().request.stream() == b"whole"


def test_endless_answer_to_head_ends_at_the_deadline(launch: Launcher, loop: dict[str, str]) -> None:
    """The client has its head at once; what is sent for it and dropped neither blocks the loop nor goes on for ever."""
    env = launch("generating:app", {**STREAMING, **MARGIN, **loop})
    exchange = env.invoke(function_url("/floods", method="HEAD"), timeout=1.0).wait()
    assert exchange.request.stream() == b""
    assert exchange.raw.endswith(NULS + b"\r\n0\r\n\r\n")
    env.api.wait_for_poll()
    env.process.wait_for_log("generator closed")
    assert env.invoke(function_url("/background")).wait().request.stream() == b"whole"


def test_failure_in_a_background_task_leaves_the_stream_whole(launch: Launcher) -> None:
    """The response is complete by then: no trailers, a traceback in the log."""
    env = launch("generating:app", STREAMING)
    exchange = env.invoke(function_url("/background")).wait()
    assert exchange.raw.endswith(b"\r\n5\r\nwhole\r\n0\r\n\r\n")
    assert exchange.request_id in env.process.wait_for_log("after its response was complete").text
    env.process.wait_for_log("LookupError: in a background task")
    env.api.wait_for_poll()


def test_compression_leaves_piece_by_piece(launch: Launcher, gates: Gates) -> None:
    """The framework's own gzip flushes with every message, so that each line can be read before the next is made."""
    env = launch("generating:compressed", {**STREAMING, **gates.env})
    exchange = env.invoke(function_url("/gated", headers={"accept-encoding": "gzip"}))
    for number in range(3):
        gates.open(f"line{number}")
        seen = unpacked_until(exchange, f"line {number}".encode())
        assert f"line {number + 1}".encode() not in seen
    exchange.wait()
    prelude = exchange.request.prelude()
    assert prelude["headers"]["content-encoding"] == "gzip"
    lines = b"".join(f"line {number}, much like every other line\n".encode() * 20 for number in range(3))
    assert gzip.decompress(exchange.request.stream()) == lines


def unpacked_until(exchange: Exchange, wanted: bytes) -> bytes:
    """Wait until these bytes are in what a client could unpack so far."""

    def unpacked() -> bytes:
        if not exchange.requests or NULS not in exchange.request.content:
            return b""
        return zlib.decompressobj(31).decompress(exchange.request.stream())

    exchange._api.wait_for(lambda: wanted in unpacked(), f"{wanted!r} in the compressed stream")
    return unpacked()


def test_compression_buffered(launch: Launcher, gates: Gates) -> None:
    """The same middleware buffered: one gzip body in base64."""
    env = launch("generating:compressed", gates.env)
    gates.open("line0", "line1", "line2")
    envelope = env.answers(function_url("/gated", headers={"accept-encoding": "gzip"}))
    assert envelope["isBase64Encoded"] is True
    assert envelope["headers"]["content-encoding"] == "gzip"
    assert gzip.decompress(base64.b64decode(envelope["body"])).count(b"\n") == 60


def test_silent_stream_stays_up(launch: Launcher, loop: dict[str, str]) -> None:
    """15 minutes in 3 seconds, a comment each 50 ms: nothing ends the stream, nothing costs time."""
    env = launch("generating:app", {**STREAMING, **loop, "PERIOD": "0.05", "SECONDS": "3"})
    exchange = env.invoke(function_url("/silent"), timeout=900).wait_for_bytes(b"begins")
    cpu, begun = env.process.cpu_seconds(), time.monotonic()
    exchange.wait()
    assert time.monotonic() - begun > 2.5
    assert env.process.cpu_seconds() - cpu < 0.3
    assert exchange.request.stream().count(b": keep-alive\n\n") >= 30
    assert exchange.request.stream().endswith(b"data: ends\n\n")
    assert exchange.trailers == {}
