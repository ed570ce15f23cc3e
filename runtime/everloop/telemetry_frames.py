"""Log records as frames on Lambda's telemetry descriptor, where it offers one."""

import logging
import os
import threading
import time

from everloop.logs import StandardOutput, rounded_level
from everloop.records import failure_of

PATIENCE = 0.1
"""Seconds that the last record of a process waits for another one that is being written."""


class TelemetryFrames:
    """Writes to Lambda's telemetry descriptor, where a record is a frame and may have any number of lines.

    A frame is its type, its length (4 bytes each), the time in microseconds (8 bytes), all big-endian, and the record.
    What the application prints goes to standard output as ever, as under AWS's client. Source: awslambdaric.
    """

    def __init__(self, descriptor: int, *, as_json: bool, levels: bool) -> None:
        """`levels`: the type tells the level; AWS's client leaves it out of text where no level was asked for.

        A failure's has it in any case.
        """
        self._descriptor = descriptor
        # Records have a lock of their own, lines of metrics do not. Re-entrant: a signal's handler may log.
        self._lock = threading.RLock()
        self._kind = 0 if as_json else 1
        self._levels = levels

    def write(self, text: str, record: logging.LogRecord | None = None) -> None:
        """Write one frame, and nothing of another in between."""
        frame = self._frame(text, record)
        with self._lock:
            self._write(frame)

    def write_last(self, text: str, record: logging.LogRecord) -> None:
        """Write one frame where the thread that writes may be the one that hangs; then a line of standard output."""
        if self._lock.acquire(timeout=PATIENCE):
            self._write(self._frame(text, record))
        else:
            StandardOutput().write_last(text, record)

    def _write(self, frame: memoryview) -> None:
        while frame:  # a pipe that is nearly full takes a part of it
            frame = frame[os.write(self._descriptor, frame) :]

    def _frame(self, text: str, record: logging.LogRecord | None) -> memoryview:
        data = text.encode("utf-8", "backslashreplace")
        levelled = record is not None and (self._levels or failure_of(record) is not None)
        level = rounded_level(record) if record is not None and levelled else logging.NOTSET
        frame_type = FRAME_TYPES[level] | self._kind
        head = (
            frame_type.to_bytes(4, "big") + len(data).to_bytes(4, "big") + (time.time_ns() // 1000).to_bytes(8, "big")
        )
        return memoryview(head + data)


FRAME_TYPES = {
    logging.NOTSET: 0xA55A0002,
    logging.DEBUG: 0xA55A000A,
    logging.INFO: 0xA55A000E,
    logging.WARNING: 0xA55A0012,
    logging.ERROR: 0xA55A0016,
    logging.CRITICAL: 0xA55A001A,
}
"""The types of frames with JSON; those with text are higher by one."""
