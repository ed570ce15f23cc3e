"""SIGTERM and SIGINT: one asks the process to end, a second one ends it."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType


class StopRequested(BaseException):
    """Raised in the main thread by a signal that comes while no loop runs, in the middle of an import.

    A BaseException, so that no `except Exception` of the user's module swallows it.
    """


class StopSignals:
    """Turns signals into one call of `on_stop`, and sees to it that the process really ends.

    Python's own handlers, not the loop's: they run between two bytecodes, so that the time limit holds even while the
    application blocks the loop.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self.requested = False
        self.on_stop: Callable[[], None] | None = None
        """Called in the main thread, between any two bytecodes; None while an exception can do the same."""

    def install(self) -> None:
        """Take both signals over."""
        signal.signal(signal.SIGTERM, self._signalled)
        signal.signal(signal.SIGINT, self._signalled)

    def limit(self, code: int) -> None:
        """End the process with `code` when the time for the shutdown is over, whatever it does then."""
        timer = threading.Timer(self._timeout, cut_short, (code, self._timeout))
        timer.daemon = True
        timer.start()

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            os._exit(0)
        self.requested = True
        self.limit(0)
        if self.on_stop is None:
            raise StopRequested
        self.on_stop()


def cut_short(code: int, timeout: float) -> None:
    """End the process from a thread. Not by logging: the thread that hangs may hold its lock."""
    text = f"[WARNING]\t\t\teverloop: the shutdown was cut short after EVERLOOP_SHUTDOWN_TIMEOUT={timeout:g} s\n"
    os.write(1, text.encode())
    os._exit(code)
