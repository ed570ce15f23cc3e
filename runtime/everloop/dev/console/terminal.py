"""What is written to the terminal, and in which order: lines stay, the progress line below them does not."""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Mapping
from typing import TextIO

from everloop.dev.console.log_lines import readable
from everloop.dev.console.report import progress, report
from everloop.dev.console.style import Style, wanted
from everloop.dev.gateway.config import SOURCES
from everloop.dev.journal import Journal, LogLine, Record

LONG = 0.5
"""Seconds after which an invocation that still goes on is shown as going on."""

PATIENCE = 1.0
"""Seconds that the status may come after the end: where the client went away, none comes."""

EVENT_STREAM = b"text/event-stream"

HEAD = 4096
"""Bytes of a buffered response in which its headers are looked for."""

HINT = "These were server-sent events, collected and sent in one piece: with --mode streaming they come one by one."

ERASE = "\r\033[K"


class Console:
    """Writes lines; where a person watches, with colours and with a line for what goes on."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str], *, several: bool = False) -> None:
        """`several`: there are several environments, so each line of theirs says whose it is."""
        self.style = Style(wanted(stream, environ))
        self._stream = stream
        self._watched = stream.isatty() and environ.get("TERM") != "dumb"
        self._several = several
        self._working: dict[int, Record] = {}
        self._ended: dict[int, Record] = {}
        """Over for the function, while the front end still has to say which status its client gets."""
        self._shown = False
        self._hinted = False

    @classmethod
    def on_output(cls, *, several: bool = False) -> "Console":
        """Give the console of this process: its standard output."""
        _escape(sys.stdout)
        return cls(sys.stdout, os.environ, several=several)

    @classmethod
    def on_errors(cls) -> "Console":
        """Give a console that leaves standard output to others."""
        _escape(sys.stderr)
        return cls(sys.stderr, os.environ)

    def follow(self, journal: Journal) -> None:
        """Write a REPORT line for every invocation that ends from now on."""
        journal.listen(self._changed)

    def line(self, text: str = "") -> None:
        """Write a line."""
        erase, self._shown = ERASE if self._shown else "", False
        self._write(f"{erase}{text}\n")

    def problem(self, text: str) -> None:
        """Write that something is wrong."""
        self.line(self.style(text, "red"))

    def logged(self, line: LogLine, record: Record | None) -> None:
        """Pass on a line that a runtime wrote."""
        text = readable(line.text, self.style)
        if self._several and record is not None and record.environment is not None:
            prefix = self.style(f"{record.environment} │ ", "dim")
            text = "\n".join(prefix + one for one in text.split("\n"))
        self.line(text)

    def tick(self) -> None:
        """Write what has waited long enough, and draw the progress line anew: to be called some times a second."""
        now = time.time()
        for record in [one for one in self._ended.values() if now - (one.finished_at or now) > PATIENCE]:
            self._report(record)
        if not self._watched:
            return
        long = [one for one in self._working.values() if now - (one.started_at or one.received_at) > LONG]
        if long:
            more = f"  (and {len(long) - 1} more)" if len(long) > 1 else ""
            width = shutil.get_terminal_size().columns - 1
            self._write(ERASE + self.style(progress(long[0], now, width, more), "dim"))
            self._shown = True
        elif self._shown:
            self._write(ERASE)
            self._shown = False

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the reader or the terminal has gone: there is nobody to tell
            self._stream.write(text)
            self._stream.flush()

    def _changed(self, record: Record) -> None:
        if record.finished_at is None:
            self._working[record.number] = record
        elif record.number in self._working or record.number in self._ended:
            self._working.pop(record.number, None)
            self._ended[record.number] = record
            if record.status is not None or record.source not in SOURCES:
                self._report(record)

    def _report(self, record: Record) -> None:
        del self._ended[record.number]
        self.line(report(record, self.style))
        if not self._hinted and record.response_mode == "buffered" and EVENT_STREAM in record.response[:HEAD]:
            self._hinted = True
            self.line(self.style(HINT, "yellow"))


def _escape(stream: TextIO) -> None:
    """Let what the terminal's encoding cannot carry be escaped, instead of an end."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
