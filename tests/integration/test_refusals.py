"""When the Runtime API says no, or its connection breaks: nothing is sent twice, and the runtime polls again."""

import threading

import pytest

from support.answers import Answer, Drop, refusal
from support.environment import Launcher
from support.process import RuntimeProcess
from support.sample_events import function_url
from support.scripted_api import Exchange

REFUSALS = [
    (400, "InvalidInvocationId"),
    (403, "InvalidStateTransition"),
    (410, "InvokeTimeout"),
    (413, "RequestEntityTooLarge"),
]


def logged(process: RuntimeProcess, exchange: Exchange, *words: str) -> bool:
    """Wait for one log record that has the request id and all the words."""
    for line in process.wait_for_logs(exchange.request_id, 1):
        if all(word in line.text for word in words):
            return True
    pattern = "(?=.*" + ")(?=.*".join([exchange.request_id, *words]) + ")"
    return bool(process.wait_for_log(pattern))


@pytest.mark.parametrize(("status", "error_type"), REFUSALS)
def test_refused_response_is_logged_and_the_loop_lives(launch: Launcher, status: int, error_type: str) -> None:
    """A refusal of /response is logged with request id, status and error type; the next event is served."""
    env = launch("answers_with:app")
    exchange = env.invoke(function_url(), answer=refusal(status, error_type)).wait()
    assert env.answers(function_url())["statusCode"] == 200
    assert logged(env.process, exchange, str(status), error_type)
    assert len(exchange.requests) == 1


@pytest.mark.parametrize(("status", "error_type"), REFUSALS)
def test_refused_error_is_logged_and_the_loop_lives(launch: Launcher, status: int, error_type: str) -> None:
    """A refusal of /error is logged in the same way."""
    env = launch("answers_with:app")
    exchange = env.invoke(b"not JSON", answer=refusal(status, error_type)).wait()
    assert exchange.kind == "error"
    assert env.answers(function_url())["statusCode"] == 200
    assert logged(env.process, exchange, str(status), error_type)


def test_refusal_that_is_not_json_is_logged(launch: Launcher) -> None:
    """A refusal with a body that is no JSON is logged with its status."""
    env = launch("answers_with:app")
    exchange = env.invoke(function_url(), answer=Answer(400, b"<html>bad</html>")).wait()
    assert env.answers(function_url())["statusCode"] == 200
    assert logged(env.process, exchange, "400")


def test_refusal_that_closes_the_connection(launch: Launcher) -> None:
    """A refusal with `Connection: close` is logged once; the pipelined poll is made again on a new connection."""
    env = launch("answers_with:app")
    exchange = env.invoke(function_url(), answer=refusal(413, "RequestEntityTooLarge", close=True)).wait()
    assert env.answers(function_url())["statusCode"] == 200
    assert logged(env.process, exchange, "413", "RequestEntityTooLarge")
    assert len(exchange.requests) == 1
    assert env.api.requests_to("next")[-1].connection is not exchange.request.connection


def test_early_refusal_of_a_large_response(launch: Launcher) -> None:
    """A refusal that comes while the body is still being sent, and closes, is logged; the loop lives."""
    env = launch("answers_with:app")
    refused = refusal(413, "RequestEntityTooLarge", after=70_000, close=True)
    exchange = env.invoke(function_url(query="size=6000000"), answer=refused).wait_for_head()
    assert env.answers(function_url())["statusCode"] == 200
    assert logged(env.process, exchange)
    assert len(exchange.requests) == 1


@pytest.mark.parametrize("handler", ["answers_with:app", "streaming:large"])
def test_early_acceptance_changes_nothing(launch: Launcher, handler: str) -> None:
    """A 202 that comes before the body is complete ends neither the body nor the conversation."""
    env = launch(handler, {"EVERLOOP_RESPONSE_MODE": "streaming", "PIECES": "20"})
    exchange = env.invoke(function_url(query="size=1300000"), answer=Answer(after=0)).wait()
    assert exchange.request.size > 1_300_000
    assert exchange.request.complete
    following = env.invoke(function_url(query="size=1300000")).wait()
    assert following.request.size == exchange.request.size


@pytest.mark.parametrize(
    "drop",
    [Drop(), Drop(reset=True), Drop(after=0), Answer(partial=20), Answer(partial=0)],
    ids=["unanswered", "reset", "after-head", "half-answered", "closed"],
)
def test_response_whose_connection_breaks_is_never_sent_twice(launch: Launcher, drop: Answer | Drop) -> None:
    """A response that fails by its connection is logged and not repeated; the poll goes out on a new connection."""
    env = launch("answers_with:app")
    exchange = env.invoke(function_url(), answer=drop).wait()
    following = env.invoke(function_url())
    assert following.response()["statusCode"] == 200
    env.api.wait_for_poll()
    assert logged(env.process, exchange)
    assert len(exchange.requests) == 1
    assert following.request.connection is not exchange.request.connection


def test_error_whose_connection_breaks_is_never_sent_twice(launch: Launcher) -> None:
    """The same holds for /error."""
    env = launch("answers_with:app")
    exchange = env.invoke(b"not JSON", answer=Drop()).wait()
    assert env.answers(function_url())["statusCode"] == 200
    assert logged(env.process, exchange)
    assert len(exchange.requests) == 1


def test_broken_connection_with_a_poll_in_the_pipeline_is_polled_again(launch: Launcher) -> None:
    """When response and poll were sent together and the answer never comes, only the poll is repeated."""
    env = launch("answers_with:app")
    release = threading.Event()
    exchange = env.invoke(function_url(), answer=Drop(hold=release)).wait()
    env.api.wait_for(
        lambda: exchange.request.connection.pieces[-1].data.count(b"/invocation/next") == 1, "the pipelined poll"
    )
    release.set()
    env.api.wait_for_poll()
    assert [request.endpoint for request in env.api.requests].count("response") == 1
    assert env.answers(function_url())["statusCode"] == 200
