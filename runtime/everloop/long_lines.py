"""Where a line of output has a limit: on Managed Instances nobody reads one of more than 64 KiB.

Tried with AWS's emulator in that mode: at a longer one it stops reading, and the process stands on its full pipe, with
all of its invocations. So records become several records, and what is printed several lines.
"""

import io
import logging
import sys
from typing import TextIO

from everloop.logs import JsonFormatter
from everloop.records import MarkedRecord

LONGEST_LINE = 60_000
"""Bytes; there is room for a line's end, and for what may be written in front of it."""

PIECE = 9_000
"""Characters that fit in any case: at most six bytes each, as an escaped lone surrogate, and a record around them."""


class JsonFormatterInParts(JsonFormatter):
    """Writes a record that is too long for one line as several, so that nothing of it is lost.

    Each part is a record of its own, with `part` as in `2/3`; their messages, joined, are the JSON of the whole.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Give the record's one line, or the lines of its parts, without the last line's end."""
        format_whole = super().format
        text = format_whole(record)
        if fits(text):
            return text
        starts = range(0, len(text), PIECE)
        return "\n".join(
            format_whole(_part(record, text[start : start + PIECE], f"{number}/{len(starts)}"))
            for number, start in enumerate(starts, 1)
        )


class BrokenLines(io.TextIOWrapper):
    """Standard output or standard error, with a line's end wherever a line would be too long.

    Lines go on from one call to the next: `json.dump()`, `print(end=" ")` and progress bars write them in many pieces.
    """

    _begun = 0
    """Bytes of the line that has no end yet."""

    def write(self, text: str, /) -> int:
        """Write the text; give its length."""
        written = text if self._begun + size_of(text) <= LONGEST_LINE else self._broken(text)
        super().write(written)
        _, line_end, last = written.rpartition("\n")
        self._begun = size_of(last) if line_end else self._begun + size_of(last)
        return len(text)

    def _broken(self, text: str) -> str:
        first = text.partition("\n")[0]
        line_end = "\n" if self._begun and self._begun + size_of(first) > LONGEST_LINE else ""
        return line_end + "\n".join(map(broken, text.split("\n")))


def limit_lines() -> None:
    """Put `BrokenLines` in the place of standard output and standard error."""
    sys.stdout = _limited(sys.stdout)
    sys.stderr = _limited(sys.stderr)


def fits(line: str) -> bool:
    """Tell whether a line is short enough."""
    return size_of(line) <= LONGEST_LINE


def size_of(text: str) -> int:
    """Give how many bytes a text is when it is written."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "backslashreplace"))


def broken(line: str) -> str:
    """Give a line as several where it is too long."""
    if fits(line):
        return line
    size = LONGEST_LINE if line.isascii() else PIECE
    return "\n".join(line[start : start + size] for start in range(0, len(line), size))


def _limited(stream: TextIO) -> TextIO:
    # The descriptor is not ours to close: the stream that had it lives on as sys.__stdout__ or sys.__stderr__.
    file = io.BufferedWriter(io.FileIO(stream.fileno(), "w", closefd=False))
    return BrokenLines(
        file,
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=True,
        write_through=getattr(stream, "write_through", False),  # PYTHONUNBUFFERED
    )


def _part(record: logging.LogRecord, message: str, part: str) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {
            "name": record.name,
            "levelno": record.levelno,
            "levelname": record.levelname,
            "created": record.created,
            "msecs": record.msecs,
            "msg": message,
            "part": part,
        }
    )
    if isinstance(record, MarkedRecord):
        made = MarkedRecord.of(made)
        made.ids = record.ids
    return made
