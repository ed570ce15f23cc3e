"""The story of every invocation, for the REPORT line in the terminal and for the inspector page."""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

KEPT = 500
"""Records that are kept; older ones are forgotten."""

KEPT_EVENTS = 64 * 1024 * 1024
"""Bytes of events that are kept together: a handful of uploads must not fill the laptop's memory."""

KEPT_BYTES = 256 * 1024
"""Bytes of a response that a record keeps."""

KEPT_LINES = 10_000
"""Lines of output that a record keeps."""


@dataclass(slots=True)
class LogLine:
    """One line that the runtime wrote while it worked on an invocation."""

    at: float
    """Seconds since the epoch."""
    stream: str
    """`stdout` or `stderr`."""
    text: str


@dataclass(slots=True)
class Record:
    """One invocation. Times are seconds since the epoch, None where that has not happened."""

    number: int
    request_id: str
    source: str
    label: str
    event: bytes
    received_at: float
    streaming: bool = False
    """How it was called: InvokeWithResponseStream or Invoke."""
    trace_id: str | None = None
    environment: int | None = None
    """The number of the environment that works on it."""
    init_seconds: float | None = None
    """How long the environment took to start, where this invocation was its first."""
    started_at: float | None = None
    """When the event was handed to the runtime."""
    first_byte_at: float | None = None
    """When the first byte of the response's body came from the runtime."""
    responded_at: float | None = None
    """When the response was complete."""
    finished_at: float | None = None
    """When the runtime polled again, or its environment ended: background work included."""
    response_mode: str | None = None
    """`buffered` or `streaming`, as the runtime said."""
    content_type: str | None = None
    response: bytearray = field(default_factory=bytearray)
    """The beginning of the body that the runtime sent, prelude included."""
    response_bytes: int = 0
    produced: list[tuple[float, int]] = field(default_factory=list)
    """(time, bytes so far) whenever a piece came from the runtime."""
    delivered: list[tuple[float, int]] = field(default_factory=list)
    """(time, bytes so far) whenever a piece was handed to the client's connection."""
    status: int | None = None
    """The HTTP status that the gateway's client got."""
    failure: str | None = None
    """A `Failure`, None where the invocation succeeded."""
    error_type: str | None = None
    error: bytes = b""
    """The error's JSON."""
    memory_mb: float | None = None
    """The most memory that the runtime's processes have had so far."""
    client_gone: bool = False
    logs: list[LogLine] = field(default_factory=list)

    @property
    def duration(self) -> float | None:
        """Seconds from the event to the end of the invocation, which is what Lambda bills."""
        return None if self.started_at is None or self.finished_at is None else self.finished_at - self.started_at

    def came(self, size: int, at: float | None = None) -> None:
        """Note that a piece of the response came from the runtime."""
        at = time.time() if at is None else at
        self.first_byte_at = self.first_byte_at or at
        self.response_bytes += size
        self.produced.append((at, self.response_bytes))

    def went(self, size: int) -> None:
        """Note that a piece was handed to the client's connection."""
        self.delivered.append((time.time(), (self.delivered[-1][1] if self.delivered else 0) + size))


class Journal:
    """The latest records, and whoever wants to know when one changes."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._records: deque[Record] = deque()
        self._event_bytes = 0
        self._numbers = itertools.count(1)
        self._listeners: list[Callable[[Record], None]] = []

    def __iter__(self) -> Iterator[Record]:
        """Give the records, oldest first."""
        return iter(tuple(self._records))

    def find(self, number: int) -> Record | None:
        """Give the record with a number, None where it is forgotten."""
        return next((record for record in self._records if record.number == number), None)

    def open(self, request_id: str, *, source: str, label: str, event: bytes) -> Record:
        """Begin the record of an invocation."""
        record = Record(next(self._numbers), request_id, source, label, event, time.time())
        self._records.append(record)
        self._event_bytes += len(event)
        while len(self._records) > self._kept or (self._event_bytes > KEPT_EVENTS and len(self._records) > 1):
            self._event_bytes -= len(self._records.popleft().event)
        self.changed(record)
        return record

    def changed(self, record: Record) -> None:
        """Tell the listeners that something of a record is new."""
        for listener in tuple(self._listeners):
            listener(record)

    def listen(self, listener: Callable[[Record], None]) -> Callable[[], None]:
        """Call `listener` with every record that changes, often; give what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
