"""Text without a line's end: it must not wait in a buffer until the process is frozen, ended from here or forked.

Lines leave by themselves; what comes before a line's end is flushed at the end of the invocation. Not at once, as under
AWS's client: `print()` writes its text and the line's end apart, and each line would be several writes.
"""

import os
import sys
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

EXIT_TIMEOUT = 0.05
"""Seconds that a process which ends at once has for it: nobody may read what it writes."""


class Unwritten:
    """What may be left in the buffers of standard output and standard error."""

    __slots__ = ("_streams", "pending")

    def __init__(self) -> None:
        self.pending = False
        """True when something was written that did not end in a line's end."""
        self._streams: tuple[TextIO, ...] = ()

    def watch(self, *streams: TextIO) -> None:
        """Look at what is written."""
        self._streams = streams
        for stream in streams:
            with suppress(AttributeError, TypeError):  # not one of Python's own: tests and debuggers have theirs
                vars(stream)["write"] = self._noting(stream.write)
        os.register_at_fork(before=self._before_fork)

    def flush(self) -> None:
        """Let go what waits; who has closed or broken a stream is told of it elsewhere."""
        self.pending = False  # first: what is written meanwhile may be too late for this time
        for stream in self._streams:
            with suppress(OSError, ValueError, RuntimeError):
                stream.flush()

    def flush_in_time(self, last: Callable[[], None] | None = None) -> None:
        """Flush, and call what writes a last line, before the process ends.

        Given up when nobody reads, or a stream is in use.
        """
        done = allocate_lock()
        done.acquire()

        def work() -> None:
            # Whatever it is that keeps it from being written, it must not keep the process.
            with suppress(Exception):
                if self.pending:
                    self.flush()
                if last is not None:
                    last()
            done.release()

        start_new_thread(work, ())
        done.acquire(timeout=EXIT_TIMEOUT)

    def _noting(self, write: Callable[[str], int]) -> Callable[[str], int]:
        def write_and_note(text: str, /) -> int:
            written = write(text)
            if text[-1:] != "\n":
                self.pending = True
            return written

        return write_and_note

    def _before_fork(self) -> None:
        if self.pending:
            self.flush()  # else the child would write it, too


unwritten = Unwritten()


def watch_output() -> None:
    """Look at what is written to standard output and standard error."""
    unwritten.watch(sys.stdout, sys.stderr)
