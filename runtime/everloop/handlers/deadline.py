"""What happens to a task when its invocation's deadline comes near: told, cancelled, given up."""

import asyncio
import logging
from typing import Protocol

GRACE = 0.1
"""Seconds between the steps: time for the application to end its stream itself, then for its `finally` blocks."""

logger = logging.getLogger("everloop")


def time_before_stop(remaining: float | None, margin: float) -> float | None:
    """Seconds until a request is stopped: `margin` before the deadline, but never more than half of the time."""
    if remaining is None or margin <= 0:
        return None
    return max(remaining - min(margin, remaining / 2), 0.0)


class Stoppable(Protocol):
    """What is stopped, and how each step is done."""

    def deadline_near(self) -> bool:
        """Tell the application; False when it has answered, so that only the slot is waiting for it."""

    def deadline_cancel(self) -> None:
        """Cancel the application."""

    def deadline_abandon(self) -> None:
        """Answer in the application's place and let the slot go on without it."""


class DeadlineWatch:
    """Stops one invocation's work in three steps."""

    __slots__ = ("_loop", "_timer", "_work", "expired")

    def __init__(self, work: Stoppable, loop: asyncio.AbstractEventLoop, stop_at: float) -> None:
        self._work: Stoppable | None = work
        self._loop = loop
        self._timer = loop.call_at(stop_at, self._near)
        self.expired = False
        """True once the application was told that its time is up before it had answered."""

    def stop(self) -> None:
        """Stop watching, and let go of the work: the two hold each other otherwise."""
        self._timer.cancel()
        self._work = None

    def _near(self) -> None:
        if self._work is None:
            return
        if self._work.deadline_near():
            self.expired = True
            self._timer = self._loop.call_later(GRACE, self._cancel)
        else:
            logger.warning(
                "The application was still running when its deadline came near, with its response complete. It is left "
                "running, frozen between invocations. Give long work to a queue."
            )
            self._work.deadline_abandon()

    def _cancel(self) -> None:
        if self._work is not None:
            self._work.deadline_cancel()
            self._timer = self._loop.call_later(GRACE, self._abandon)

    def _abandon(self) -> None:
        if self._work is not None:
            logger.error(
                "The application did not end when it was cancelled before its deadline; it is left to itself. "
                "An `except` that swallows asyncio.CancelledError is the usual cause."
            )
            self._work.deadline_abandon()
