"""Near the deadline: disconnect, cancellation, abandonment, and the process lives on."""

from collections.abc import Callable

import pytest

from support.environment import Environment, Launcher
from support.gates import Gates
from support.sample_events import function_url

Share = Callable[..., Environment]

MARGIN = {"EVERLOOP_DEADLINE_MARGIN": "0.6"}
TIMEOUT = 1.4  # so that the disconnect is due 0.8 s after the delivery; the rest is room for a busy machine


def test_application_is_disconnected_first(launch: Launcher) -> None:
    """At the deadline less the margin `receive()` gives `http.disconnect`, every time; `send()` still works then."""
    env = launch("waiting:for_disconnect", MARGIN)
    exchange = env.invoke(function_url(), timeout=TIMEOUT)
    envelope = exchange.response()
    assert (envelope["statusCode"], envelope["body"]) == (202, "parting words")
    lines = env.process.wait_for_logs("received http.disconnect", 2)
    assert 0.75 < lines[0].at - exchange.delivered_at < TIMEOUT
    env.api.wait_for_poll()


def test_task_is_cancelled_then(launch: Launcher) -> None:
    """What does not end by itself is cancelled 100 ms later; the client gets 504 before the deadline."""
    env = launch("waiting:for_cancellation", MARGIN)
    exchange = env.invoke(function_url(), timeout=TIMEOUT)
    envelope = exchange.response()
    assert envelope["statusCode"] == 504
    cancelled = env.process.wait_for_log("^cancelled$")
    assert 0.85 < cancelled.at - exchange.delivered_at < TIMEOUT
    assert exchange.request.completed_at is not None
    assert exchange.request.completed_at - exchange.delivered_at < TIMEOUT
    env.process.wait_for_log(exchange.request_id)
    env.api.wait_for_poll()


def test_stubborn_task_is_abandoned(launch: Launcher) -> None:
    """What ignores its cancellation is given up after another 100 ms, with an error in the log; the loop lives."""
    env = launch("waiting:stubborn", MARGIN)
    exchange = env.invoke(function_url(), timeout=TIMEOUT)
    assert exchange.response()["statusCode"] == 504
    env.process.wait_for_log("cancellation ignored")
    assert exchange.request.completed_at is not None
    assert exchange.request.completed_at - exchange.delivered_at < TIMEOUT
    env.api.wait_for_poll()
    env.process.wait_for_log(rf"ERROR.*{exchange.request_id}|{exchange.request_id}.*ERROR")
    assert env.process.running()


def test_records_of_a_deadline_belong_to_its_invocation(launch: Launcher, loop: dict[str, str]) -> None:
    """Not to an earlier one, for which the timer was set."""
    env = launch("waiting:by_path", MARGIN | loop)
    env.invoke(function_url("/"), timeout=TIMEOUT, request_id="earlier").response()
    assert env.invoke(function_url("/stubborn"), timeout=TIMEOUT, request_id="late").response()["statusCode"] == 504
    env.process.wait_for_logs("\tlate\t", 2)
    assert "did not end when it was cancelled" in env.process.logged("\tlate\t")[0].text
    assert not env.process.logged("\tearlier\t")


def test_process_serves_after_a_deadline(launch: Launcher) -> None:
    """The event after a deadline is served by the same process."""
    env = launch("waiting:by_path", MARGIN)
    assert env.invoke(function_url("/wait"), timeout=TIMEOUT).response()["statusCode"] == 504
    assert env.invoke(function_url("/")).response()["body"] == "at once"
    assert len(env.api.requests_to("response")) == 2


def test_margin_is_at_most_half_the_time(launch: Launcher) -> None:
    """A margin longer than half of the time that an invocation has is cut to that half."""
    env = launch("waiting:for_disconnect", {"EVERLOOP_DEADLINE_MARGIN": "30"})
    exchange = env.invoke(function_url(), timeout=1.0)
    assert exchange.response()["body"] == "parting words"
    line = env.process.wait_for_log("received http.disconnect")
    assert 0.45 < line.at - exchange.delivered_at < 0.95


def test_margin_zero_turns_it_off(launch: Launcher, gates: Gates) -> None:
    """With a margin of 0 nothing is stopped: Lambda's own timeout applies."""
    env = launch("waiting:by_path", {"EVERLOOP_DEADLINE_MARGIN": "0", **gates.env})
    exchange = env.invoke(function_url("/gate"), timeout=0.2)
    with pytest.raises(TimeoutError):
        exchange.wait(0.8)
    gates.open("turn", "answer")
    assert exchange.response()["body"] == "at once"


@pytest.mark.parametrize("deadline", ["9999999999999999", "0", "-5", "soon", "", None])
def test_absurd_deadlines_are_survived(shared: Share, deadline: str | None) -> None:
    """A deadline that is absurd, malformed or absent does not keep a quick application from answering, or the loop."""
    env = shared("answers_with:app")
    exchange = env.invoke(function_url(), headers={"Lambda-Runtime-Deadline-Ms": deadline})
    exchange.wait()
    assert env.answers(function_url())["statusCode"] == 200


@pytest.mark.parametrize("deadline", ["9999999999999999", None])
def test_far_or_absent_deadline_stops_nothing(shared: Share, deadline: str | None) -> None:
    """Without a deadline, or with one that the emulator makes up, the application is served to its end."""
    env = shared("answers_with:app")
    exchange = env.invoke(function_url(), headers={"Lambda-Runtime-Deadline-Ms": deadline})
    assert exchange.response()["body"] == "hello"


def test_blocked_loop_still_answers(launch: Launcher) -> None:
    """An application that blocks the loop past the margin is answered as soon as the loop is free."""
    env = launch("blocking:app", MARGIN)
    exchange = env.invoke(function_url(), timeout=TIMEOUT)
    assert exchange.response()["statusCode"] in (200, 504)
    env.api.wait_for_poll()


def test_each_invocation_has_its_own_deadline(launch: Launcher) -> None:
    """A quick invocation with a near deadline does not shorten the next one's time."""
    env = launch("waiting:by_path", MARGIN)
    env.invoke(function_url("/"), timeout=0.3).response()
    exchange = env.invoke(function_url("/wait"), timeout=1.2)
    assert exchange.response()["statusCode"] == 504
    assert exchange.request.completed_at is not None
    assert exchange.request.completed_at - exchange.delivered_at > 0.7
