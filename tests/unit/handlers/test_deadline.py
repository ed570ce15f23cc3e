"""The three steps of a deadline, and who is spared them."""

import time

import pytest

from everloop.handlers.deadline import Deadlines
from everloop.invocation import Invocation
from support.answering import HEADERS
from support.hostile import VirtualLoop


class Work:
    """Notes the steps that it is stopped in."""

    stop_at: float | None
    expired: bool

    def __init__(self) -> None:
        self.invocation = Invocation(HEADERS, b"{}")
        self.steps: list[str] = []

    def deadline_near(self) -> bool:
        self.steps.append("near")
        return True

    def deadline_cancel(self) -> None:
        self.steps.append("cancel")

    def deadline_abandon(self) -> None:
        self.steps.append("abandon")


@pytest.mark.parametrize("ends_after", [0, 1, 2, 3])
def test_work_that_has_ended_is_spared_the_steps_that_are_left(loop: VirtualLoop, ends_after: int) -> None:
    """Else somebody's thread would be replaced, and counted as lost, long after it had come back."""
    deadlines = Deadlines(loop, 0.25)
    work = Work()
    deadlines.watch(work, time.time() + 10)
    for step in range(4):
        if step == ends_after:
            deadlines.stop(work)
        loop.pass_time(9.8 if step == 0 else 0.1)

    assert work.steps == ["near", "cancel", "abandon"][:ends_after]
