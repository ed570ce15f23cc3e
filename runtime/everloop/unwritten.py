"""Text without a line's end: it must not wait in a buffer until the process is frozen, killed or forked.

Lines leave by themselves. What comes before a line's end is flushed at the end of the invocation, and by a thread where
that does not come. Not at once: `print()` writes its text and the line's end apart, and would make two writes of each
line, between which other threads' lines may come.
"""

import os
import signal
import sys
from _thread import LockType, allocate_lock, start_new_thread
from collections.abc import Callable
from contextlib import suppress
from time import sleep
from typing import TextIO

DELAY = 0.05
"""Seconds until text leaves whose line goes on. The thread looks as often while text is written, else it sleeps."""

PATIENCE = 20
"""Looks without any text after which the thread sleeps until there is some."""

EXIT_TIMEOUT = 0.05
"""Seconds that a process which ends at once has for it: nobody may read what it writes."""


class Unwritten:
    """What may be left in the buffers of standard output and standard error."""

    __slots__ = ("_awake", "_flushing", "_started", "_streams", "_wake", "pending")

    _awake: bool
    _started: bool
    _wake: LockType

    def __init__(self) -> None:
        self.pending = False
        """True when something was written that did not end in a line's end."""
        self._streams: tuple[TextIO, ...] = ()
        self._without_thread()

    def watch(self, *streams: TextIO) -> None:
        """Look at what is written."""
        self._streams = streams
        for stream in streams:
            with suppress(AttributeError, TypeError):  # not one of Python's own: tests and debuggers have theirs
                vars(stream)["write"] = self._noting(stream.write)
        os.register_at_fork(
            before=self._before_fork, after_in_parent=self._after_fork, after_in_child=self._without_thread
        )

    def flush(self) -> None:
        """Let go what waits; who has closed or broken a stream is told of it elsewhere."""
        self.pending = False  # first: what is written meanwhile may be too late for this time
        for stream in self._streams:
            with suppress(OSError, ValueError, RuntimeError):
                stream.flush()

    def flush_in_time(self, *last: bytes) -> None:
        """Flush, and write last lines, before the process ends; give up when nobody reads, or a stream is in use."""
        done = allocate_lock()
        done.acquire()

        def work() -> None:
            try:
                if self.pending:
                    self.flush()
                for line in last:
                    os.write(1, line)
            except OSError:
                pass
            finally:
                done.release()

        start_new_thread(work, ())
        done.acquire(timeout=EXIT_TIMEOUT)

    def _noting(self, write: Callable[[str], int]) -> Callable[[str], int]:
        def write_and_note(text: str, /) -> int:
            written = write(text)
            if text[-1:] != "\n":
                self.pending = True
                if not self._awake:
                    self._see_to_it()
            return written

        return write_and_note

    def _see_to_it(self) -> None:
        self._awake = True
        if not self._started:
            self._started = True
            # Signals are for the main thread, whose system call they interrupt; the new one inherits that it gets none.
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            start_new_thread(self._look, ())
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        with suppress(RuntimeError):  # it has been waked already
            self._wake.release()

    def _look(self) -> None:
        """Flush now and then, in a thread without an end. Not one of `threading`'s: nobody need know of it."""
        while True:
            self._wake.acquire()
            quiet = 0
            while quiet < PATIENCE:
                sleep(DELAY)
                quiet += 1
                if self.pending:
                    quiet = 0
                    with self._flushing:
                        self.flush()
            self._awake = False
            if self.pending:  # written between the last look and this
                with self._flushing:
                    self.flush()

    def _before_fork(self) -> None:
        if self.pending:
            self.flush()  # else the child would write it, too
        # What the thread holds just then nobody would release in the child. Nobody may read what it writes.
        self._flushing.acquire(timeout=EXIT_TIMEOUT)

    def _after_fork(self) -> None:
        with suppress(RuntimeError):  # it was not to be had
            self._flushing.release()

    def _without_thread(self) -> None:
        """Begin, in a new process or a fork, which has no other thread than the one that made it."""
        self._awake = self._started = False
        self._flushing = allocate_lock()
        self._wake = allocate_lock()
        self._wake.acquire()


unwritten = Unwritten()


def watch_output() -> None:
    """Look at what is written to standard output and standard error."""
    unwritten.watch(sys.stdout, sys.stderr)
