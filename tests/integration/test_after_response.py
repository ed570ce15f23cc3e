"""`everloop.after_response()`: after every response, before the next poll, within a budget."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.emulated import Emulated
from support.environment import Launcher
from support.gates import Gates
from support.sample_events import function_url, rest

KINDS = pytest.mark.parametrize("handler", ["observed:app", "observed:handler", "observed:wsgi"])


@KINDS
def test_it_runs_between_the_response_and_the_next_poll(
    launch: Launcher, loop: dict[str, str], gates: Gates, handler: str
) -> None:
    """The client has its response while the hook waits; no poll goes out before the hook is done."""
    env = launch(handler, {"HOOKS": "gated,async,sync", **loop, **gates.env})
    for number in range(1, 4):  # a prompt response may otherwise wait for the poll
        exchange = env.invoke(function_url())
        exchange.response()
        env.process.wait_for_log(f"^gated hook in {exchange.request_id}")
        assert len(env.api.requests_to("next")) == number
        gates.open(f"hook {number}")
        env.api.wait_for_poll()
        env.process.wait_for_log(f"^async hook in {exchange.request_id}")
        env.process.wait_for_log(f"^sync hook in {exchange.request_id}")
    kinds = [line.text.partition(" ")[0] for line in env.process.logged(" hook in ")]
    assert kinds == ["gated", "async", "sync"] * 3


def test_it_runs_after_streams_failures_and_events(launch: Launcher) -> None:
    """Whatever became of the invocation."""
    env = launch("observed:app", {"HOOKS": "async", "EVERLOOP_RESPONSE_MODE": "streaming", "EVERLOOP_EVENTS": "off"})
    events: list[Any] = [function_url("/stream"), function_url("/raise"), rest(), {"Records": []}, b"{"]
    for event in events:
        exchange = env.invoke(event)
        exchange.wait()
        env.process.wait_for_log(f"async hook in {exchange.request_id}")


@KINDS
def test_a_failure_is_logged_and_the_next_hook_runs(launch: Launcher, handler: str) -> None:
    """Not even SystemExit touches the invocation or the process."""
    env = launch(handler, {"HOOKS": "failing,async"})
    for _ in range(2):
        exchange = env.invoke(function_url())
        exchange.response()
        env.process.wait_for_log(f"{exchange.request_id}.*after_response: flush_failing failed")
        env.process.wait_for_log(f"^async hook in {exchange.request_id}")


@KINDS
def test_the_budget_ends_the_wait(launch: Launcher, handler: str) -> None:
    """An async hook is cancelled, a thread left to itself; it is not called a second time beside itself."""
    env = launch(handler, {"HOOKS": "slow"})
    for _ in range(2):
        exchange = env.invoke(function_url())
        exchange.response()
        env.process.wait_for_log(f"slow hook cancelled in {exchange.request_id}")
    env.process.wait_for_log("flush_slow_thread was not done within 0.1 s")
    env.process.wait_for_log("flush_slow_thread is still running since an earlier invocation")
    env.process.wait_for_log("slow thread done")


def test_the_deadline_is_the_last_budget(launch: Launcher) -> None:
    """What hooks may take ends the margin before the deadline."""
    env = launch("observed:app", {"HOOKS": "slow", "EVERLOOP_DEADLINE_MARGIN": "0.28"})
    exchange = env.invoke(function_url(), timeout=0.3)
    exchange.response()
    env.api.wait_for_poll()
    env.process.wait_for_log("not done within 0.0|no time is left")


def test_signal_while_a_hook_runs(launch: Launcher) -> None:
    """A hook does not keep the process."""
    env = launch("observed:app", {"HOOKS": "sync,slow"})
    env.invoke(function_url()).response()
    env.process.signal(15)
    assert env.process.exit_code() == 0


@KINDS
def test_it_is_done_before_the_environment_freezes(handler: str) -> None:
    """Under everloop's emulator, which stops the process once it polls: what was to be flushed is out by then."""
    with Emulated(handler, freeze=True, environ={"HOOKS": "async,sync"}) as emulated:
        for number in range(1, 4):
            emulated.invoke(function_url())
            emulated.until(lambda: state_of(emulated.environment.pid) == "T", "that it is frozen")
            emulated.until(partial(has_lines, emulated, 2 * number), "both hooks")


def has_lines(emulated: Emulated, count: int) -> bool:
    return emulated.log.count("sync hook in ") == count


def state_of(pid: int) -> str:
    """A process's state as /proc shows it: `T` is stopped."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
