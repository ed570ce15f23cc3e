"""Text without a line's end leaves before the process is frozen, ended by everloop or forked."""

import signal
import time
from pathlib import Path

import pytest

from support.environment import Launcher

SLOTS = pytest.mark.parametrize("slots", [{}, {"AWS_LAMBDA_MAX_CONCURRENCY": "2"}], ids=["one-slot", "two-slots"])


@SLOTS
@pytest.mark.parametrize("handler", ["returns", "coroutine"])
def test_it_leaves_with_the_invocation(launch: Launcher, slots: dict[str, str], handler: str) -> None:
    """Before the next poll, after which the process may be frozen."""
    env = launch(f"unended.{handler}", slots)
    for number in (1, 2):
        assert env.invoke(number).response() == "done"
        env.process.wait_for_begun("stdout", f"out {number} ... ")
        env.process.wait_for_begun("stderr", f"err {number} ... ")


@pytest.mark.parametrize("second", [False, True])
def test_it_leaves_when_the_process_is_cut_short(launch: Launcher, tmp_path: Path, *, second: bool) -> None:
    """By the shutdown's time, and by a second signal."""
    written = tmp_path / "written"
    timeout = "60" if second else "0.1"
    env = launch("unended.hangs", {"EVERLOOP_SHUTDOWN_TIMEOUT": timeout, "WRITTEN": str(written)})
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
    env = launch("unended.forks")
    assert env.invoke(1).response() == 3
    assert [line.text for line in env.process.wait_for_logs("in the child", 1)] == ["out 1 ... in the child"]
    assert env.process.log.count("out 1") == 1
