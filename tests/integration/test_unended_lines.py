"""Text without a line's end leaves before the process is frozen, killed or forked."""

import signal
import time
from pathlib import Path

import pytest

from support.environment import Launcher
from support.sample_events import function_url

SELDOM = {"SELDOM": "1"}
SLOTS = pytest.mark.parametrize("slots", [{}, {"AWS_LAMBDA_MAX_CONCURRENCY": "2"}], ids=["one-slot", "two-slots"])


@SLOTS
def test_a_handler_that_hangs_has_said_what_it_does(launch: Launcher, slots: dict[str, str]) -> None:
    """Lambda kills it at its timeout: the last words are what tells why."""
    env = launch("unended.hangs", slots)
    env.invoke(1)
    env.process.wait_for_begun("stdout", "out 1 ... ")
    env.process.wait_for_begun("stderr", "err 1 ... ")


def test_the_same_for_wsgi_errors(launch: Launcher) -> None:
    """PEP 3333 has a stream of its own for them."""
    env = launch("unended:wsgi")
    env.invoke(function_url())
    env.process.wait_for_begun("stderr", "part")


def test_an_import_that_hangs_has_said_what_it_does(launch: Launcher) -> None:
    """Lambda ends an initialisation as well."""
    env = launch("unended.returns", {"AT_IMPORT": "1"})
    env.process.wait_for_begun("stdout", "out import ... ")
    env.process.wait_for_begun("stderr", "err import ... ")


@SLOTS
@pytest.mark.parametrize("handler", ["returns", "coroutine"])
def test_it_leaves_with_the_invocation(launch: Launcher, slots: dict[str, str], handler: str) -> None:
    """Before the next poll, after which the process may be frozen."""
    env = launch(f"unended.{handler}", SELDOM | slots)
    for number in (1, 2):
        assert env.invoke(number).response() == "done"
        env.process.wait_for_begun("stdout", f"out {number} ... ")
        env.process.wait_for_begun("stderr", f"err {number} ... ")


@pytest.mark.parametrize("second", [False, True])
def test_it_leaves_when_the_process_is_cut_short(launch: Launcher, tmp_path: Path, *, second: bool) -> None:
    """By the shutdown's time, and by a second signal."""
    written = tmp_path / "written"
    timeout = "60" if second else "0.1"
    env = launch("unended.hangs", SELDOM | {"EVERLOOP_SHUTDOWN_TIMEOUT": timeout, "WRITTEN": str(written)})
    env.invoke(1)
    while not written.exists():
        time.sleep(0.005)
    env.process.signal(signal.SIGTERM)
    if second:
        env.process.signal(signal.SIGINT)  # two of the same may be one
    assert env.process.exit_code() == 0
    assert ("cut short" in env.process.log) is not second
    assert env.process.logged(r"^out 1 \.\.\. ")
    assert env.process.logged(r"^err 1 \.\.\. $")


def test_a_child_does_not_write_it_again(launch: Launcher) -> None:
    """It leaves before the fork."""
    env = launch("unended.forks", SELDOM)
    assert env.invoke(1).response() == 3
    assert [line.text for line in env.process.wait_for_logs("in the child", 1)] == ["out 1 ... in the child"]
    assert env.process.log.count("out 1") == 1
