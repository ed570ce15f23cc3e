"""One slot and a handler that blocks: signals, lost connections and the polls of the main thread."""

import signal
import time
from pathlib import Path

import pytest

from support.answers import Answer, Drop, refusal
from support.environment import Launcher
from support.gates import Gates
from support.sample_events import function_url
from support.scripted_api import ScriptedRuntimeApi


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_process(launch: Launcher, number: int) -> None:
    """In the middle of a poll."""
    env = launch("functions.echo")
    env.api.wait_for_poll()
    env.process.signal(number)
    assert env.process.exit_code(2) == 0
    assert "cut short" not in env.process.log


def test_a_signal_lets_the_handler_finish(launch: Launcher, gates: Gates, tmp_path: Path) -> None:
    """Its answer is sent, and no further poll."""
    env = launch("holding.handler", gates.env | {"EVERLOOP_SHUTDOWN_TIMEOUT": "5"})
    exchange = env.invoke({})
    exchange.wait_for_delivery()
    env.process.wait_for_log("holding.handler is a synchronous handler")
    while not (tmp_path / "gates" / "entered").exists():
        time.sleep(0.005)
    env.process.signal(signal.SIGTERM)
    gates.open("go")
    assert exchange.response() == "done"
    assert env.process.exit_code(3) == 0
    assert len(env.api.requests_to("next")) == 1


@pytest.mark.parametrize(("handler", "event"), [("functions.echo", {"a": 1}), ("wsgi_apps:bare", function_url())])
def test_a_kept_alive_connection_that_ends_is_replaced(launch: Launcher, handler: str, event: object) -> None:
    """While a poll waits, after it has served: the poll is there again before any event is, and nothing is wrong."""
    env = launch(handler, {"EVERLOOP_EXTENSION": "off"})
    for number in range(1, 4):
        env.invoke(event).response()
        [poll] = env.api.wait_for_poll()
        poll.connection.close()
        env.api.wait_for_request("next", 2 * number + 1)
    env.process.signal(signal.SIGTERM)
    assert env.process.exit_code() == 0
    assert env.process.logged("Polling failed") == []


def test_lost_answers_are_not_sent_again(launch: Launcher) -> None:
    """The connection breaks under the answer; the next event is served."""
    env = launch("functions.echo")
    env.invoke(1, answer=Drop()).wait_for_head()
    assert env.invoke(2).response() == 2


def test_refused_answers_are_logged(launch: Launcher) -> None:
    """With the status and the type."""
    env = launch("functions.echo")
    env.invoke(1, answer=refusal(413, "RequestEntityTooLarge")).wait()
    env.process.wait_for_log("413 RequestEntityTooLarge")
    assert env.invoke(2).response() == 2


def test_polls_that_fail_are_tried_again(launch: Launcher, api: ScriptedRuntimeApi) -> None:
    """A 500 is waited out."""
    api.script("next", Answer(500, b"{}"), Answer(500, b"{}"))
    env = launch("functions.echo", api=api)
    assert env.invoke(1).response() == 1
    assert len(env.process.logged("Polling failed")) == 2


def test_a_forbidden_poll_ends_the_process(launch: Launcher, api: ScriptedRuntimeApi) -> None:
    """403 means that Lambda and the process disagree on whose turn it is."""
    api.script("next", refusal(403, "InvalidStateTransition"))
    assert launch("functions.echo", api=api).process.exit_code() == 1


def test_background_work_is_done_before_the_next_poll(launch: Launcher, gates: Gates, tmp_path: Path) -> None:
    """everloop.wait_until() runs the loop when the answer is out."""
    env = launch("holding.background", gates.env)
    assert env.invoke({}).response() == "done"
    env.api.wait_for_poll()
    assert (tmp_path / "gates" / "later").exists()


def test_events_that_close_the_connection(launch: Launcher) -> None:
    """An event with `Connection: close` is answered on the next connection."""
    env = launch("functions.echo")
    assert env.invoke(1, delivery=Answer(close=True)).response() == 1


@pytest.mark.parametrize("handler", ["gives_work", "has_a_hook", "returns_a_coroutine"])
def test_what_the_loop_does_for_a_handler_is_cancelled_at_the_shutdown(
    launch: Launcher, loop: dict[str, str], handler: str
) -> None:
    """When half of the time is over, so that there is some for the exit handlers; a handler that waits has failed."""
    env = launch(f"lingering.{handler}", loop | {"EVERLOOP_SHUTDOWN_TIMEOUT": "1.6"})
    exchange = env.invoke({})
    env.process.wait_for_log("^working$")
    env.process.signal(signal.SIGTERM)
    assert env.process.exit_code() == 0
    cut_off = env.process.logged("Runtime.ShutDown")
    assert [line.text for line in env.process.lines if line not in cut_off][-2:] == [
        "the work was cancelled",
        "the exit handlers ran",
    ]
    assert len(cut_off) == (handler == "returns_a_coroutine")
    if handler == "returns_a_coroutine":
        assert exchange.error()["errorType"] == "Runtime.ShutDown"
    else:
        assert exchange.response() == "answered"
