"""The deadline of a generator that is being closed: who has just begun to close has its moment."""

import asyncio
from collections.abc import Callable

import pytest

from everloop.handlers.function import _Run
from support.answering import Answering


@pytest.mark.parametrize("began_late", [True, False])
def test_closing_that_began_when_the_deadline_was_near_is_not_cancelled_at_once(
    answering: Callable[[object], Answering], began_late: bool
) -> None:
    """On the pool it is cut off, and closes, at the very moment at which it would be cancelled."""
    rig = answering({})
    made: list[int] = []

    async def steps() -> None:
        run = _Run(rig.reply)
        run.closing = not began_late
        task = asyncio.current_task()
        assert task is not None
        for step in (run.deadline_near, run.deadline_cancel, run.deadline_abandon):
            step()
            run.closing = True
            made.append(task.cancelling())

    with pytest.raises(asyncio.CancelledError):
        rig.loop.run_until_complete(steps())

    assert made == ([0, 0, 1] if began_late else [0, 1, 1])
