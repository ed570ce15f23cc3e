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

    __slots__ = ("_watches", "expired", "stop_at", "work")

    def __init__(self, watches: "set[DeadlineWatch]", work: Stoppable, stop_at: float) -> None:
        self._watches = watches
        self.work: Stoppable | None = work
        self.stop_at = stop_at
        """When the first step comes, by the loop's clock."""
        self.expired = False
        """True once the application was told that its time is up before it had answered."""

    def stop(self) -> None:
        """Stop watching, and let go of the work: the two hold each other otherwise.

        The timer stays: firing once for nothing is cheaper than moving it.
        """
        self._watches.discard(self)
        self.work = None

    def near(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the first step."""
        if self.work is None:
            return
        if self.work.deadline_near():
            self.expired = True
            loop.call_later(GRACE, self._cancel, loop)
        else:
            logger.warning(
                "The application was still running when its deadline came near, with its response complete. It is left "
                "running, frozen between invocations. Give long work to a queue."
            )
            self.work.deadline_abandon()

    def _cancel(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.work is not None:
            self.work.deadline_cancel()
            loop.call_later(GRACE, self._abandon)

    def _abandon(self) -> None:
        if self.work is not None:
            logger.error(
                "The application did not end when it was cancelled before its deadline; it is left to itself. "
                "An `except` that swallows asyncio.CancelledError is the usual cause."
            )
            self.work.deadline_abandon()


class Deadlines:
    """Watches the deadlines of all invocations with one timer.

    A timer for each invocation would cost more than decoding its event. Here the timer stays where it is as long as
    later deadlines come in, and moves on when it fires: about once per function timeout.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._watches: set[DeadlineWatch] = set()
        self._armed: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, work: Stoppable, seconds: float) -> DeadlineWatch:
        """Watch over `work`, which is to be stopped in `seconds`."""
        watch = DeadlineWatch(self._watches, work, self._loop.time() + seconds)
        self._watches.add(watch)
        if self._armed is None or watch.stop_at < self._armed:
            self._arm(watch.stop_at)
        return watch

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = when
        self._timer = self._loop.call_at(when, self._fired)

    def _fired(self) -> None:
        self._armed = self._timer = None
        now = self._loop.time()
        for watch in [watch for watch in self._watches if watch.stop_at <= now]:
            self._watches.discard(watch)
            watch.near(self._loop)
        if self._watches:
            self._arm(min(watch.stop_at for watch in self._watches))
