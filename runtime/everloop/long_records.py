"""JSON records where a line has a limit: on Managed Instances nobody reads a line of more than 64 KiB.

Tried with AWS's emulator in that mode: at a longer one it stops reading, and the process stands on its full pipe.
"""

import logging

from everloop.logs import JsonFormatter

LONGEST_LINE = 60_000
"""Bytes; there is room for a line's end, and for what may be written in front of it."""

PIECE = 9_000
"""Characters of a record in one part: at most six bytes each, as an escaped lone surrogate."""


class JsonFormatterInParts(JsonFormatter):
    """Writes a record that is too long for one line as several, so that nothing of it is lost.

    Each part is a record of its own, with `part` as in `2/3`; their messages, joined, are the JSON of the whole.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Give the record's one line, or the lines of its parts, without the last line's end."""
        format_whole = super().format
        text = format_whole(record)
        if len(text) <= PIECE or len(text.encode("utf-8", "backslashreplace")) <= LONGEST_LINE:
            return text
        starts = range(0, len(text), PIECE)
        return "\n".join(
            format_whole(_part(record, text[start : start + PIECE], f"{number}/{len(starts)}"))
            for number, start in enumerate(starts, 1)
        )


def _part(record: logging.LogRecord, message: str, part: str) -> logging.LogRecord:
    return logging.makeLogRecord(
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
