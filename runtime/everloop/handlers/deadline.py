"""What happens to a task when its invocation's deadline comes near: told, cancelled, given up."""

import asyncio
import contextvars
import logging
import time
from typing import Protocol

from everloop.invocation import Invocation, current

GRACE = 0.1
"""Seconds between the steps: time for the application to end its stream itself, then for its `finally` blocks."""

logger = logging.getLogger("everloop")


def time_before_stop(remaining: float | None, margin: float) -> float | None:
    """Seconds until a request is stopped: `margin` before the deadline, but never more than half of the time."""
    if remaining is None or margin <= 0:
        return None
    return max(remaining - min(margin, remaining / 2), 0.0)


class Stoppable(Protocol):
    """One invocation's work, and how each step of stopping it is done.

    What is watched over is the work itself, not an object beside it. `Deadlines.watch()` sets both attributes.
    """

    stop_at: float | None
    """When the first step comes, by the loop's clock; None where there is no deadline."""

    expired: bool
    """True once the application was told that its time is up before it had answered."""

    @property
    def invocation(self) -> Invocation:
        """What it works on."""

    def deadline_near(self) -> bool:
        """Tell the application; False when it has answered, so that only the slot is waiting for it."""

    def deadline_cancel(self) -> None:
        """Cancel the application."""

    def deadline_abandon(self) -> None:
        """Answer in the application's place and let the slot go on without it."""


class Deadlines:
    """Watches the deadlines of all invocations with one timer, and stops work in three steps.

    A timer for each invocation would cost more than decoding its event. Here the timer stays where it is as long as
    later deadlines come in, and moves on when it fires: about once per function timeout.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, margin: float) -> None:
        """`margin` is how many seconds before its deadline work is stopped; 0 watches over nothing."""
        self._loop = loop
        self._clock = loop.time
        self._margin = margin
        self._watched: set[Stoppable] = set()
        """Work whose first step has not come."""
        self._late: set[Stoppable] = set()
        """Work that has been told and has not ended."""
        self._armed: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._context = contextvars.copy_context()
        """That of start-up: who sets the timer is not who is stopped by it."""

    def watch(self, work: Stoppable, deadline: float | None) -> None:
        """Watch over `work`, whose invocation has until `deadline` in seconds since the epoch."""
        work.expired = False
        work.stop_at = None
        if deadline is None:
            return
        seconds = time_before_stop(deadline - time.time(), self._margin)
        if seconds is None:
            return
        work.stop_at = stop_at = self._clock() + seconds
        self._watched.add(work)
        if self._armed is None or stop_at < self._armed:
            self._arm(stop_at)

    def stop(self, work: Stoppable) -> None:
        """Stop watching. The timer stays: firing once for nothing is cheaper than moving it."""
        self._watched.discard(work)
        if work.expired:
            self._late.discard(work)

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = when
        self._timer = self._loop.call_at(when, self._fired, context=self._context)

    def _fired(self) -> None:
        self._armed = self._timer = None
        now = self._clock()
        for work in [work for work in self._watched if work.stop_at is not None and work.stop_at <= now]:
            if work in self._watched:  # not stopped by the step of another
                self._watched.discard(work)
                contextvars.copy_context().run(self._near, work)
        if self._watched:
            self._arm(min(work.stop_at for work in self._watched if work.stop_at is not None))

    def _near(self, work: Stoppable) -> None:
        """Take the first step. The timers of the others take its context on, and their records the request id."""
        current.set(work.invocation)
        if work.deadline_near():
            work.expired = True
            self._late.add(work)
            self._loop.call_later(GRACE, self._cancel, work)
        else:
            logger.warning(
                "The application was still running when its deadline came near, with its response complete. It is left "
                "running, frozen between invocations. Give long work to a queue."
            )
            work.deadline_abandon()

    def _cancel(self, work: Stoppable) -> None:
        if work in self._late:
            work.deadline_cancel()
            self._loop.call_later(GRACE, self._abandon, work)

    def _abandon(self, work: Stoppable) -> None:
        if work in self._late:
            self._late.discard(work)
            logger.error(
                "The application did not end when it was cancelled before its deadline; it is left to itself. "
                "An `except` that swallows asyncio.CancelledError is the usual cause."
            )
            work.deadline_abandon()
