"""What happens to a task when its invocation's deadline comes near: told, cancelled, given up."""

import asyncio
import logging
from collections.abc import Callable

GRACE = 0.1
"""Seconds between the steps: time for the application to end its stream itself, then for its `finally` blocks."""

logger = logging.getLogger("everloop")


def time_before_stop(remaining: float | None, margin: float) -> float | None:
    """Seconds until a request is stopped: `margin` before the deadline, but never more than half of the time."""
    if remaining is None or margin <= 0:
        return None
    return max(remaining - min(margin, remaining / 2), 0.0)


class DeadlineWatch:
    """Stops a task in three steps. `released` is completed when nobody needs to wait for the task any more."""

    __slots__ = ("_loop", "_on_cancel", "_on_near", "_released", "_task", "_timer", "expired")

    def __init__(
        self,
        task: asyncio.Task[None],
        released: asyncio.Future[None],
        stop_at: float,
        on_near: Callable[[], bool],
        on_cancel: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = task
        self._released = released
        self._on_near = on_near
        self._on_cancel = on_cancel
        self._timer = self._loop.call_at(stop_at, self._near)
        self.expired = False
        """True once the application was told that its time is up before it had answered."""

    def stop(self) -> None:
        """Stop watching, and let go of the run that watches: the two hold each other otherwise."""
        self._timer.cancel()
        del self._on_near, self._on_cancel

    def _near(self) -> None:
        if not self._on_near():
            # The client has its response: what still runs is background work, which may go on after the next thaw.
            logger.warning(
                "The application was still running when its deadline came near, with its response complete. It is left "
                "running, frozen between invocations. Give long work to a queue."
            )
            self._release()
            return
        self.expired = True
        self._timer = self._loop.call_later(GRACE, self._cancel)

    def _cancel(self) -> None:
        self._on_cancel()
        self._task.cancel()
        self._timer = self._loop.call_later(GRACE, self._abandon)

    def _abandon(self) -> None:
        logger.error(
            "The application did not end when it was cancelled before its deadline; it is left to itself. "
            "An `except` that swallows asyncio.CancelledError is the usual cause."
        )
        self._release()

    def _release(self) -> None:
        if not self._released.done():
            self._released.set_result(None)
