"""Which invocation a line of output belongs to."""

import time
from collections.abc import Sequence

from everloop.dev.executions import Work
from everloop.dev.journal import KEPT_LINES, LogLine, Record


class LogBook:
    """Puts the lines of one environment into the records of its invocations.

    `side_by_side`: several may be at work at once. Then a line belongs to the one whose id is in it, or to the only
    one. Otherwise it belongs to the invocation that came last; what comes before the first one is its beginning.
    """

    def __init__(self, *, side_by_side: bool) -> None:
        self._side_by_side = side_by_side
        self._latest: Record | None = None
        self._before: list[LogLine] = []

    def turn_to(self, record: Record, init_seconds: float | None) -> None:
        """An invocation begins. The first one gets the story of the start."""
        if self._latest is None:
            record.init_seconds = init_seconds
            record.logs += self._before
            self._before = []
        self._latest = record

    def keep(self, stream: str, text: str, running: Sequence[Work]) -> tuple[LogLine, Record | None]:
        """Keep a line; give it, and the record that it is in. A record keeps its first lines only."""
        line = LogLine(time.time(), stream, text)
        record = self._record(text, running)
        lines = self._before if record is None else record.logs
        if len(lines) < KEPT_LINES and (record is not None or self._latest is None):
            lines.append(line)
        return line, record

    def _record(self, text: str, running: Sequence[Work]) -> Record | None:
        if not self._side_by_side:
            return self._latest
        named = next((work.record for work in running if work.request_id in text), None)
        return running[0].record if named is None and len(running) == 1 else named
