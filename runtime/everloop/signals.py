"""SIGTERM and SIGINT: one asks the process to end, a second one ends it."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from threading import get_ident
from types import FrameType
from typing import Any

from everloop.logs import write_last
from everloop.unwritten import unwritten

logger = logging.getLogger("everloop")

FAILED_START_TIMEOUT = 2.0
"""Seconds that a process whose start-up failed has for its end: exit handlers send telemetry, and Lambda waits."""

_DEFAULTS: dict[int, Any] = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
"""The signals that ask for the end, and what Python itself does with them."""

_runtime = os.getpid()
"""The process that is the runtime, or one of its workers."""


def leave_if_forked(error: BaseException) -> None:
    """End the process because of `error` where it is a child that the application forked: its parent answers for it."""
    if os.getpid() != _runtime:
        from everloop.forked import leave  # there are few

        leave(error)


def tell_exit(error: SystemExit | KeyboardInterrupt) -> None:
    """Log why the loop has ended: a task has raised `error`, or a signal handler of the application's, as it may."""
    leave_if_forked(error)
    name = type(error).__name__
    codes = [getattr(signal.getsignal(number), "__code__", None) for number in _DEFAULTS]
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code in codes:
            logger.info("A signal handler of the application's raised %s: the process shuts down", name)
            return
        frame = frame.tb_next
    logger.error("A task raised %s: the process shuts down", name, exc_info=error)


class StopRequested(BaseException):
    """Raised in the main thread by a signal that comes while no loop runs, in the middle of an import.

    A BaseException, so that no `except Exception` of the user's module swallows it.
    """


class StopSignals:
    """Turns signals into one call of `on_stop`, and sees to it that the process really ends.

    Python's own handlers, not the loop's: they run between two bytecodes, so that the time limit holds even while the
    application blocks the loop.
    """

    def __init__(self, timeout: float, *, forwarded: bool = False) -> None:
        """Give the shutdown `timeout` seconds. With `forwarded`, a second signal is the first one come twice.

        A terminal, and whoever signals a process group, reaches a worker as well as the parent that forwards it.
        """
        self._timeout = timeout
        self._forwarded = forwarded
        self.requested = False
        self.before_exit: Callable[[], None] = lambda: None
        """Called when the process is about to be ended from here, perhaps in a thread."""
        self.on_stop: Callable[[], None] | None = None
        """Called in the main thread, between any two bytecodes; None while an exception can do the same."""

    def install(self) -> None:
        """Take both signals over, for this process; the children that the application forks get Python's own back."""
        global _runtime
        _runtime = os.getpid()
        for number in _DEFAULTS:
            signal.signal(number, self._signalled)
        # SIGTERM is held back meanwhile: Python drops what comes between a fork and the end of its own work after it.
        masks: dict[int, set[int]] = {}
        os.register_at_fork(
            before=lambda: masks.update({get_ident(): signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))}),
            after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, masks.pop(get_ident())),
            after_in_child=lambda: self._give_back(masks.pop(get_ident())),
        )

    def _give_back(self, mask: set[int]) -> None:
        """Be no runtime any more, in a child."""
        for number, default in _DEFAULTS.items():
            if signal.getsignal(number) == self._signalled:  # not one of the application's
                signal.signal(number, default)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def limit(self, code: int) -> None:
        """End the process with `code` when the time for the shutdown is over, whatever it does then."""
        self._end_after(
            self._timeout, code, f"the shutdown was cut short after EVERLOOP_SHUTDOWN_TIMEOUT={self._timeout:g} s"
        )

    def limit_failed_start(self, code: int) -> None:
        """End the process with `code` soon: a thread that goes on would keep it, and Lambda waiting, for as long."""
        took = f"the process was ended {FAILED_START_TIMEOUT:g} s after its start-up had failed: a thread held it up"
        self._end_after(FAILED_START_TIMEOUT, code, took)

    def _end_after(self, seconds: float, code: int, text: str) -> None:
        timer = threading.Timer(seconds, self._cut_short, (code, text))
        timer.daemon = True
        timer.start()

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != _runtime:  # by way of a handler of the application's own
            signal.signal(number, _DEFAULTS[number])
            signal.raise_signal(number)
            return
        if self.requested:
            if self._forwarded:
                return
            self.before_exit()
            unwritten.flush_in_time()
            os._exit(0)
        self.requested = True
        self.limit(0)
        if self.on_stop is None:
            raise StopRequested
        self.on_stop()

    def _cut_short(self, code: int, text: str) -> None:
        """Say so and end the process, from a thread."""
        self.before_exit()
        unwritten.flush_in_time(partial(write_last, f"everloop: {text}"))
        os._exit(code)
