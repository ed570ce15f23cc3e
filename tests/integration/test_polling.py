"""When polling fails: how often, how long after each other, and when the runtime gives up."""

import itertools
import threading

import pytest

from support.answers import Answer, Drop, Plan, refusal
from support.environment import Launcher
from support.sample_events import function_url
from support.scripted_api import ScriptedRuntimeApi

TRIES = 5
WAITS = [0.1, 0.2, 0.4, 0.8]


def assert_waits(times: list[float]) -> None:
    """The calls are 0.1 s apart, then twice as long each time."""
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    for expected, actual in zip(WAITS, waits, strict=True):
        assert expected * 0.95 <= actual < expected + 0.7, waits  # a busy machine makes them longer


@pytest.mark.parametrize("status", [500, 503])
def test_failing_polls_are_tried_five_times(launch: Launcher, status: int) -> None:
    """After five failed polls, with waits of 0.1 s doubling, the process exits with 1 and says why."""
    with ScriptedRuntimeApi() as api:
        api.script("next", *[Answer(status, b"{}")] * 9)
        env = launch("answers_with:app", api=api)
        assert env.process.exit_code(10) == 1
        polls = api.requests_to("next")
        assert len(polls) == TRIES
        assert_waits([poll.received_at for poll in polls])
        assert str(status) in env.process.log


def test_success_starts_the_count_anew(launch: Launcher) -> None:
    """Four failures, an event, and four failures again: the process lives."""
    with ScriptedRuntimeApi() as api:
        failures = [Answer(500, b"{}")] * 4
        api.script("next", *failures)
        env = launch("answers_with:app", api=api)
        assert env.answers(function_url())["statusCode"] == 200
        env.api.wait_for_poll()
        api.script("next", *failures)
        assert env.answers(function_url())["statusCode"] == 200
        assert env.process.running()


def test_wrong_state_exits_at_once(launch: Launcher) -> None:
    """A 403 for a poll exits with 1 without another try."""
    with ScriptedRuntimeApi() as api:
        api.script("next", refusal(403, "InvalidStateTransition"))
        env = launch("answers_with:app", api=api)
        assert env.process.exit_code() == 1
        assert len(api.requests_to("next")) == 1
        assert "403" in env.process.log


@pytest.mark.parametrize("status", [204, 404])
def test_polls_answered_otherwise_are_no_busy_loop(launch: Launcher, status: int) -> None:
    """A status that no Runtime API sends counts as a failure: the runtime gives up, and says what it got."""
    with ScriptedRuntimeApi() as api:
        api.script("next", *[Answer(status, b"")] * 9)
        env = launch("answers_with:app", api=api)
        assert env.process.exit_code(10) == 1
        assert len(api.requests_to("next")) <= TRIES
        assert str(status) in env.process.log


def test_no_runtime_api_is_told(launch: Launcher) -> None:
    """Outside Lambda, where nothing names the Runtime API, the process says so and exits with 1."""
    env = launch("answers_with:app", {"AWS_LAMBDA_RUNTIME_API": None})
    assert env.process.exit_code() == 1
    assert "AWS_LAMBDA_RUNTIME_API" in env.process.log


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
@pytest.mark.parametrize("address", ["127.0.0.1:99999", "http://127.0.0.1:9001", "127.0.0.1:" + "9" * 5000])
def test_a_runtime_api_that_is_no_address_is_told(launch: Launcher, address: str, loop: str) -> None:
    """Nobody can be told but who reads the log: without a traceback, with what was expected."""
    process = launch("echo:app", {"AWS_LAMBDA_RUNTIME_API": address, "EVERLOOP_LOOP": loop}).process
    assert process.exit_code() == 1
    assert "expected a host and a port" in process.log
    assert "Traceback" not in process.log


def test_runtime_api_out_of_reach_exits(launch: Launcher) -> None:
    """Where nothing listens, the process exits with 1 after its five tries and says why."""
    api = ScriptedRuntimeApi()
    api.close()
    env = launch("answers_with:app", api=api)
    assert env.process.exit_code(10) == 1
    assert "refused" in env.process.log


@pytest.mark.parametrize("drop", [Drop(), Drop(reset=True)], ids=["closed", "reset"])
def test_used_connection_that_ends_is_replaced_at_once(launch: Launcher, drop: Drop) -> None:
    """A kept-alive connection that ends without an answer is replaced without a wait, and does not count."""
    with ScriptedRuntimeApi() as api:
        env = launch("answers_with:app", api=api)
        waits = []
        for _ in range(TRIES + 2):
            assert env.answers(function_url())["statusCode"] == 200
            parked = api.wait_for_poll()[0]
            polls = len(api.requests_to("next"))
            parked.connection.close(reset=drop.reset)
            ended = parked.connection.ended_at
            api.wait_for(lambda polls=polls: len(api.requests_to("next")) > polls, "a new poll")  # type: ignore[misc]
            assert ended is not None
            waits.append(api.requests_to("next")[-1].received_at - ended)
        assert env.process.running()
        assert min(waits) < WAITS[0] / 2  # the best of several, because the machine may be busy


@pytest.mark.parametrize(
    "failure",
    [Drop(), Drop(reset=True), Answer(200, b"{}", partial=10), Answer(200, b'{"some": "event"}', partial=60)],
    ids=["closed", "reset", "half-head", "cut-off"],
)
def test_broken_first_connections_are_counted(launch: Launcher, failure: Plan) -> None:
    """Connections that break on their first poll never become a busy loop: the waits grow, then the process exits."""
    with ScriptedRuntimeApi() as api:
        api.script("next", *[failure] * 30)
        env = launch("answers_with:app", api=api)
        assert env.process.exit_code(10) == 1
        assert len(api.requests_to("next")) == TRIES
        assert_waits([poll.received_at for poll in api.requests_to("next")])


def test_connection_close_on_a_delivery_is_obeyed(launch: Launcher) -> None:
    """An event that comes with `Connection: close` is answered on a new connection."""
    env = launch("answers_with:app")
    for _ in range(3):
        exchange = env.invoke(function_url(), delivery=Answer(close=True))
        assert exchange.response()["statusCode"] == 200
        assert exchange.delivered_to is not None
        assert exchange.request.connection is not exchange.delivered_to.connection


def test_connection_close_on_the_202_is_obeyed(launch: Launcher) -> None:
    """A 202 with `Connection: close` is no failure: the next poll comes at once on another connection."""
    env = launch("answers_with:app")
    for _ in range(3):
        exchange = env.invoke(function_url(), answer=Answer(close=True))
        assert exchange.response()["statusCode"] == 200
    assert env.answers(function_url())["statusCode"] == 200
    assert len(exchange.requests) == 1


def test_delivery_without_request_id_is_not_a_busy_loop(launch: Launcher) -> None:
    """A delivery that names no request cannot be answered: it is logged, and the loop does not spin or hang."""
    env = launch("answers_with:app")
    env.invoke(function_url(), headers={"Lambda-Runtime-Aws-Request-Id": None}).wait_for_delivery()
    env.process.wait_for_log("(?i)lambda-runtime-aws-request-id")


def test_idle_runtime_uses_no_processor_time(launch: Launcher) -> None:
    """A waiting poll has no time limit and costs nothing."""
    env = launch("answers_with:app")
    env.answers(function_url())
    env.api.wait_for_poll()
    before = env.process.cpu_seconds()
    threading.Event().wait(0.5)
    assert env.process.cpu_seconds() - before <= 0.02
    assert len(env.api.requests_to("next")) == 2
