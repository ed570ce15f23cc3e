"""A reply that measures itself, for EVERLOOP_METRICS."""

from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

from everloop.api.line import Line
from everloop.api.reply import Reply, ReplyState
from everloop.invocation import Invocation
from everloop.report import ErrorReport
from everloop.wire.runtime_api import JSON, RequestEncoder


class Measures(NamedTuple):
    """What was measured of one invocation; times in seconds from when its event came."""

    invocation: Invocation
    duration: float
    """Until the next poll: work after the response is in it."""
    first_byte: float | None
    """None where nothing was sent."""
    size: int
    """Bytes of body sent to Lambda, a prelude or envelope among them."""
    failed: bool
    """Told to Lambda as an error, in mid-stream too, or not delivered."""


class MeasuredReply(Reply):
    """A reply that tells `on_measured`, just before the next poll, what was measured."""

    __slots__ = ("_first_byte", "_on_measured", "_size", "_started")

    def __init__(
        self,
        connection: Line,
        encoder: RequestEncoder,
        invocation: Invocation,
        on_release: Callable[[], None],
        on_measured: Callable[[Measures], None],
    ) -> None:
        super().__init__(connection, encoder, invocation, on_release)
        self._on_measured: Callable[[Measures], None] | None = on_measured
        self._started = perf_counter()
        self._first_byte: float | None = None
        self._size = 0

    def complete(self, payload: bytes, content_type: bytes = JSON) -> None:
        """Send a whole, buffered response. It does not wait for the next poll: the record comes before that."""
        self.habit = None
        super().complete(payload, content_type)
        self._count(payload)

    def start(self, content_type: bytes, *first: bytes) -> None:
        """Begin a streamed response."""
        super().start(content_type, *first)
        for data in first:
            self._count(data)

    def write(self, data: bytes) -> None:
        """Send one chunk."""
        super().write(data)
        self._count(data)

    def finish(self, last: bytes = b"") -> None:
        """Send the last chunk."""
        super().finish(last)
        self._count(last)

    def fail(self, report: ErrorReport) -> None:
        """Tell Lambda that the invocation failed."""
        super().fail(report)
        self._count(b"")

    def release(self) -> None:
        """Tell what was measured and let the slot poll again."""
        on_measured, self._on_measured = self._on_measured, None
        if on_measured is not None:
            failed = self.state not in (ReplyState.COMPLETED, ReplyState.PENDING)
            duration = perf_counter() - self._started
            on_measured(Measures(self.invocation, duration, self._first_byte, self._size, failed))
        super().release()

    def _count(self, data: bytes) -> None:
        self._size += len(data)
        if self._first_byte is None and self.state is not ReplyState.BROKEN:
            self._first_byte = perf_counter() - self._started
