"""Applications that raise odd things, and odd things that ASGI allows."""

import re
from collections.abc import Callable

import pytest

from support.environment import Environment, Launcher
from support.sample_events import function_url

Share = Callable[..., Environment]

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming"}
MODES = pytest.mark.parametrize("mode", [{}, STREAMING], ids=["buffered", "streaming"])
AWS_ACCEPTS = re.compile(r"Function\.[A-Z][a-zA-Z]+")
MEBIBYTE = 1024 * 1024

ODD = ["name", "umlaut", "unprintable", "surrogate", "lines", "huge", "cancelled", "fatal", "stop", "exit"]


def test_whatever_is_raised_is_a_500(launch: Launcher) -> None:
    """Whatever an application raises, however odd, is an HTTP 500, one log record, and the same process goes on."""
    env = launch("odd:before")
    for name in ODD:
        exchange = env.invoke(function_url(f"/{name}"))
        assert exchange.response()["statusCode"] == 500
        assert env.answers(function_url("/"))["body"] == "fine"
        record = env.process.wait_for_log(exchange.request_id).text
        assert "odd.py" in record
        assert "\r" in record
    assert not env.process.logged("^Traceback|Logging error")


@pytest.mark.parametrize("name", ODD)
def test_whatever_is_raised_in_mid_stream_is_told_in_trailers(shared: Share, name: str) -> None:
    """Whatever is raised in mid-stream, the trailers have a type that Lambda accepts and JSON of a bearable size."""
    env = shared("odd:mid_stream", STREAMING)
    exchange = env.invoke(function_url(f"/{name}")).wait()
    assert exchange.request.stream() == b"half"
    assert AWS_ACCEPTS.fullmatch(exchange.trailers["lambda-runtime-function-error-type"])
    assert len(exchange.trailers["lambda-runtime-function-error-body"]) < MEBIBYTE
    assert set(exchange.request.trailer_error()) >= {"errorType", "errorMessage", "stackTrace"}
    assert env.invoke(function_url("/")).wait().trailers == {}


@MODES
def test_receive_after_the_response_is_a_disconnect(launch: Launcher, mode: dict[str, str]) -> None:
    """After a complete response `receive()` gives `http.disconnect`, every time."""
    env = launch("odd:receives_after_the_end", mode)
    env.invoke(function_url()).wait()
    env.process.wait_for_log(r"received \['http.disconnect', 'http.disconnect'\]")


@MODES
def test_receive_in_another_task_ends_with_the_response(launch: Launcher, mode: dict[str, str]) -> None:
    """A task that waits for the disconnect gets it when the response is complete, not before."""
    env = launch("odd:receives_beside", mode)
    exchange = env.invoke(function_url()).wait()
    line = env.process.wait_for_log("beside http.disconnect")
    assert line.at - exchange.delivered_at < 1
    env.api.wait_for_poll()


@MODES
def test_many_small_messages_arrive_in_order(launch: Launcher, mode: dict[str, str]) -> None:
    """A body of 10,000 messages is whole and in order."""
    env = launch("odd:many_messages", mode)
    exchange = env.invoke(function_url()).wait()
    body = exchange.request.stream() if mode else exchange.response()["body"].encode()
    assert body == b"".join(b"%d," % number for number in range(10_000))


def test_task_left_behind_does_no_harm(launch: Launcher) -> None:
    """A task that nobody waits for and that fails leaves answers and loop alone."""
    env = launch("odd:orphaned_task")
    for _ in range(3):
        assert env.answers(function_url())["body"] == "fine"


def test_context_is_lambdas(shared: Share) -> None:
    """`aws.context` has what Lambda says of the function and of this invocation."""
    env = shared("odd:context")
    exchange = env.invoke(function_url(), timeout=8.5)
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:under-test"
    assert exchange.response()["body"].split("|") == [exchange.request_id, "under-test", "$LATEST", "512", arn, "8"]


@pytest.mark.parametrize("value", ["{bad", "[]", "null", '"text"', ""])
@pytest.mark.parametrize("name", ["Lambda-Runtime-Client-Context", "Lambda-Runtime-Cognito-Identity"])
def test_broken_context_headers_do_no_harm(shared: Share, name: str, value: str) -> None:
    """A client context or an identity that is not what Lambda promises does not end the loop."""
    env = shared("odd:context")
    env.invoke(function_url(), headers={name: value}).wait()
    assert env.answers(function_url())["statusCode"] == 200


def test_trace_id_is_in_the_environment(launch: Launcher) -> None:
    """`_X_AMZN_TRACE_ID` is set for an invocation that brings one, and removed for one that does not."""
    env = launch("odd:trace", {"_X_AMZN_TRACE_ID": "left over"})
    assert env.answers(function_url())["body"].startswith("Root=1-5bef4de7")
    assert env.invoke(function_url(), headers={"Lambda-Runtime-Trace-Id": None}).response()["body"] == "none"


def test_repeated_request_id_is_served_again(launch: Launcher) -> None:
    """Lambda repeats a request id when it tries again: that is an invocation like any other."""
    env = launch("answers_with:app")
    for _ in range(2):
        assert env.invoke(function_url(), request_id="once-and-again").response()["statusCode"] == 200


@MODES
def test_response_leaves_before_work_that_blocks(launch: Launcher, mode: dict[str, str]) -> None:
    """The client has its response although the application blocks the loop right after its last message."""
    env = launch("blocking:after_last", mode)
    for count in (1, 2):
        exchange = env.invoke(function_url()).wait()
        ended = env.process.wait_for_logs("background ends", count)[-1]
        assert exchange.request.completed_at is not None
        assert exchange.request.completed_at - exchange.delivered_at < 0.3 < ended.at - exchange.delivered_at


def test_pieces_leave_before_work_that_blocks(launch: Launcher) -> None:
    """A piece of a stream leaves although the application blocks the loop right after it."""
    env = launch("blocking:between_pieces", STREAMING)
    exchange = env.invoke(function_url()).wait()
    computed = [line.at for line in env.process.wait_for_logs("computed", 2)]
    first = next(chunk for chunk in exchange.chunks if chunk.data == b"one")
    second = next(chunk for chunk in exchange.chunks if chunk.data == b"two")
    assert first.ended < computed[0] - 0.2
    assert computed[0] - 0.05 < second.ended < computed[1] - 0.2


@pytest.mark.parametrize("path", ["/block", "/wait"])
def test_a_habit_of_returning_at_once_delays_no_later_response(launch: Launcher, path: str) -> None:
    """After many requests without background work, the first one with some has its response at once all the same."""
    env = launch("blocking:at_times")
    for _ in range(200):
        env.answers(function_url())
    for _ in range(2):
        exchange = env.invoke(function_url(path)).wait()
        assert exchange.request.completed_at is not None
        assert exchange.request.completed_at - exchange.delivered_at < 0.1
        env.api.wait_for_poll()
