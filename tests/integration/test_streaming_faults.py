"""Streams that do not go well: slow readers, failing applications, broken connections, refusals."""

import re
import threading

import pytest

from support.answers import Answer, Drop, Stall, refusal
from support.environment import Launcher
from support.process import RuntimeProcess
from support.sample_events import function_url
from support.scripted_api import ScriptedRuntimeApi

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming"}
MEBIBYTE = 1024 * 1024
PIECE = 64 * 1024


def test_failure_in_mid_stream_is_told_in_trailers(launch: Launcher, loop: dict[str, str]) -> None:
    """The body ends as it stood; type and base64 JSON of the error follow as trailers; the loop lives."""
    env = launch("failing:mid_stream", {**STREAMING, **loop})
    exchange = env.invoke(function_url()).wait()
    assert exchange.request.stream() == b"half"
    assert exchange.trailers["lambda-runtime-function-error-type"] == "Function.CourierError"
    error = exchange.request.trailer_error()
    assert error["errorType"] == "CourierError"
    assert error["errorMessage"] == "in mid-stream"
    assert any("mid_stream" in line for line in error["stackTrace"])
    line = env.process.wait_for_log("CourierError: in mid-stream")
    assert exchange.request_id in line.text
    env.api.wait_for_poll()


def test_long_failures_are_cut_to_what_lambda_takes(launch: Launcher) -> None:
    """Over 4,096 bytes of trailers Go's server, which Lambda's is, drops the whole response."""
    env = launch("failing:mid_stream_at_length", STREAMING)
    exchange = env.invoke(function_url()).wait()
    _, end, trailers = exchange.raw.rpartition(b"\r\n0\r\n")
    assert end
    assert len(trailers) <= 4096
    error = exchange.request.trailer_error()
    assert (error["errorType"], error["requestId"]) == ("CourierError", exchange.request_id)
    assert error["errorMessage"].startswith("zu lang: üü")
    assert error["errorMessage"].endswith("… [cut]")
    assert "outer frames cut" in error["stackTrace"][0]
    assert "raise CourierError" in error["stackTrace"][-1]


def test_return_in_mid_stream_is_told_in_trailers(launch: Launcher) -> None:
    """An application that returns before its last body message ends the stream with `Runtime.IncompleteResponse`."""
    env = launch("failing:returns_mid_stream", STREAMING)
    exchange = env.invoke(function_url()).wait()
    assert exchange.request.stream() == b"half"
    assert exchange.trailers["lambda-runtime-function-error-type"] == "Runtime.IncompleteResponse"
    assert exchange.request.trailer_error()["errorType"] == "Runtime.IncompleteResponse"
    env.process.wait_for_log(exchange.request_id)


@pytest.mark.parametrize("app", ["before_start", "before_body", "no_response", "start_only"])
def test_failure_before_the_first_body_is_a_500(launch: Launcher, app: str) -> None:
    """What fails before anything was sent is a complete HTTP 500 without trailers."""
    env = launch(f"failing:{app}", STREAMING)
    exchange = env.invoke(function_url()).wait()
    prelude = exchange.request.prelude()
    assert prelude["statusCode"] == 500
    assert prelude["headers"]["content-type"].startswith("text/plain")
    assert exchange.request.stream() == b"Internal Server Error"
    assert exchange.trailers == {}
    env.process.wait_for_log(exchange.request_id)


def test_failure_after_the_last_body_leaves_the_stream_whole(launch: Launcher) -> None:
    """What fails after the end of the stream is logged, and changes nothing."""
    env = launch("failing:after_last", STREAMING)
    exchange = env.invoke(function_url()).wait()
    assert exchange.request.stream() == b"whole"
    assert exchange.trailers == {}
    assert exchange.request_id in env.process.wait_for_log("after the last body").text
    env.api.wait_for_poll()


def chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


PRELUDE = rb'\{"statusCode":200,"headers":\{[^}]*\}\}' + rb"\0" * 8
ERROR = rb'\{"statusCode":500,"headers":\{"content-type":"text/plain; charset=utf-8"\}\}' + rb"\0" * 8
WHOLE = rb"0\r\n\r\n"


def trailers(error_type: bytes) -> bytes:
    return (
        rb"0\r\nLambda-Runtime-Function-Error-Type: " + error_type + rb"\r\n"
        rb"Lambda-Runtime-Function-Error-Body: [A-Za-z0-9+/]+=*\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("app", "prelude", "body", "end"),
    [
        ("before_start", ERROR, b"Internal Server Error", WHOLE),
        ("before_body", ERROR, b"Internal Server Error", WHOLE),
        ("no_response", ERROR, b"Internal Server Error", WHOLE),
        ("start_only", ERROR, b"Internal Server Error", WHOLE),
        ("mid_stream", PRELUDE, b"half", trailers(b"Function.CourierError")),
        ("returns_mid_stream", PRELUDE, b"half", trailers(rb"Runtime.IncompleteResponse")),
        ("after_last", PRELUDE, b"whole", WHOLE),
    ],
)
def test_failure_at_every_point_byte_for_byte(
    launch: Launcher, app: str, prelude: bytes, body: bytes, end: bytes
) -> None:
    """One chunk of prelude, one of body, and the end: what is said of a failure is in trailers or nowhere."""
    exchange = launch(f"failing:{app}", STREAMING).invoke(function_url()).wait()
    framed = rb"[0-9a-fA-F]+\r\n" + prelude + rb"\r\n" + re.escape(chunks(body)) + end
    head, _, rest = exchange.raw.partition(b"\r\n\r\n")
    assert re.fullmatch(framed, rest), rest
    assert b"\r\nTrailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body" in head


def test_slow_reader_makes_send_wait(launch: Launcher, loop: dict[str, str]) -> None:
    """While the Runtime API does not read, `send()` does not return: no more is taken than buffers hold."""
    resume = threading.Event()
    with ScriptedRuntimeApi(receive_buffer=16 * 1024) as api:
        env = launch("streaming:large", {**STREAMING, **loop, "PIECES": "400"}, api=api)
        exchange = env.invoke(function_url(), answer=Answer(stall=Stall(after=1, until=resume)))
        exchange.wait_for_size(1)
        taken = wait_until_send_waits(env.process)
        # The kernel's send buffer may grow to 4 MiB (tcp_wmem); 25 MiB are offered.
        assert taken * PIECE < 8 * MEBIBYTE
        resume.set()
        exchange.wait(30)
        assert len(exchange.request.stream()) == 400 * PIECE
        env.process.wait_for_log("all taken")


@pytest.mark.slow
def test_memory_stays_flat_over_200_mebibytes(launch: Launcher, loop: dict[str, str]) -> None:
    """A response of 200 MiB goes through a process that grows by less than 4 MiB."""
    env = launch("streaming:quiet_large", {**STREAMING, **loop, "PIECES": "3200"})
    env.api.wait_for_poll()
    before = env.process.memory("VmHWM")
    exchange = env.invoke(function_url(), timeout=60).wait(60)
    assert exchange.request.size > 200 * MEBIBYTE
    assert env.process.memory("VmHWM") - before < 4 * MEBIBYTE


@pytest.mark.parametrize("drop", [Drop(after=1), Drop(after=1, reset=True)], ids=["closed", "reset"])
def test_broken_stream_disconnects_the_application(launch: Launcher, loop: dict[str, str], drop: Drop) -> None:
    """Within 100 ms of the break `receive()` gives `http.disconnect`, every time, and `send()` raises OSError."""
    env = launch("streaming:until_disconnect", {**STREAMING, **loop})
    waits = []
    for count in (1, 2, 3):
        exchange = env.invoke(function_url(), answer=drop).wait()
        received = env.process.wait_for_logs("received http.disconnect", 2 * count)
        env.process.wait_for_logs("send raised OSError", count)
        waits.append(received[2 * count - 2].at - (exchange.request.broken_at or 0))
    assert min(waits) < 0.1  # the best of several, because the machine may be busy
    following = env.invoke(function_url())
    following.wait_for_head()
    assert following.request.connection is not exchange.request.connection
    assert len(exchange.requests) == 1


def wait_until_send_waits(process: RuntimeProcess) -> int:
    """Wait until no piece has been taken for 0.3 s; gives the number of the last one."""
    taken = process.wait_for_logs("^taken", 1)
    while True:
        try:
            taken = process.wait_for_logs("^taken", len(taken) + 1, 0.3)
        except TimeoutError:
            return int(taken[-1].text.split()[1])


def test_broken_stream_ends_a_send_that_waits(launch: Launcher) -> None:
    """A `send()` that waits for a reader raises OSError when the connection breaks instead; it is logged."""
    release = threading.Event()
    with ScriptedRuntimeApi(receive_buffer=16 * 1024) as api:
        env = launch("streaming:large", {**STREAMING, "PIECES": "1000"}, api=api)
        exchange = env.invoke(function_url(), answer=Drop(after=1, hold=release))
        wait_until_send_waits(env.process)
        release.set()
        exchange.wait()
        env.process.wait_for_log(exchange.request_id)
        api.wait_for_poll()
        assert not env.process.logged("all taken")
        assert not env.process.logged("Traceback")  # the line about the connection has said it


def test_broken_stream_ends_an_application_that_only_sends(launch: Launcher, loop: dict[str, str]) -> None:
    """An application that awaits nothing but `send()` gets OSError within 100 ms of the break, and never spins."""
    env = launch("streaming:endless", {**STREAMING, **loop})
    waits = []
    for count in (1, 2, 3):
        exchange = env.invoke(function_url(), answer=Drop(after=100_000)).wait()
        raised = env.process.wait_for_logs("send raised OSError", count)[-1]
        waits.append(raised.at - (exchange.request.broken_at or 0))
    assert min(waits) < 0.1
    env.api.wait_for_poll()


def test_deadline_ends_an_application_that_only_sends(launch: Launcher, loop: dict[str, str]) -> None:
    """However fast the Runtime API reads, an application that only sends is stopped at its deadline."""
    env = launch("streaming:endless", {**STREAMING, **loop, "EVERLOOP_DEADLINE_MARGIN": "0.3"})
    exchange = env.invoke(function_url(), timeout=0.7).wait()
    assert exchange.trailers["lambda-runtime-function-error-type"] == "Runtime.DeadlineExceeded"
    env.api.wait_for_poll()


@pytest.mark.parametrize(("status", "error_type"), [(413, "RequestEntityTooLarge"), (410, "InvokeTimeout")])
@pytest.mark.parametrize("close", [True, False], ids=["closing", "open"])
def test_early_refusal_of_a_stream(launch: Launcher, status: int, error_type: str, *, close: bool) -> None:
    """A refusal in mid-stream is logged with request id and error type; the next event is served."""
    env = launch("streaming:large", {**STREAMING, "PIECES": "100"})
    refused = refusal(status, error_type, after=200_000, close=close)
    exchange = env.invoke(function_url(), answer=refused).wait_for_size(200_000)
    following = env.invoke(function_url()).wait(20)
    assert following.request.size > 100 * PIECE
    env.process.wait_for_log(f"{exchange.request_id}.*{status}|{status}.*{exchange.request_id}")
    env.process.wait_for_log(error_type)
    assert len(exchange.requests) == 1


def test_refusal_of_a_complete_stream(launch: Launcher) -> None:
    """A refusal after the end of a stream is logged, and the loop lives."""
    env = launch("streaming:pieces", STREAMING)
    exchange = env.invoke(function_url(), answer=refusal(413, "RequestEntityTooLarge")).wait()
    env.invoke(function_url()).wait()
    assert exchange.request_id in env.process.wait_for_log("RequestEntityTooLarge").text


def test_stream_that_waits_for_a_disconnect_is_told_of_the_deadline(launch: Launcher) -> None:
    """Near the deadline a stream is disconnected and may end itself: it is then complete, without trailers."""
    env = launch("waiting:ends_its_stream", {**STREAMING, "EVERLOOP_DEADLINE_MARGIN": "0.3"})
    exchange = env.invoke(function_url(), timeout=0.8).wait()
    assert exchange.request.stream() == b"half and farewell"
    assert exchange.trailers == {}
    env.api.wait_for_poll()


def test_stream_over_its_deadline_ends_with_trailers(launch: Launcher) -> None:
    """A stream that is still open when its task is cancelled ends with trailers before the deadline."""
    env = launch("waiting:in_stream", {**STREAMING, "EVERLOOP_DEADLINE_MARGIN": "0.5"})
    exchange = env.invoke(function_url(), timeout=1.1).wait()
    assert exchange.request.stream() == b"half"
    assert exchange.trailers["lambda-runtime-function-error-type"] == "Runtime.DeadlineExceeded"
    assert exchange.request.completed_at is not None
    assert exchange.request.completed_at - exchange.delivered_at < 1.1
    env.api.wait_for_poll()
