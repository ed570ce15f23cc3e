"""EVERLOOP_ACCESS_LOG: one record for each request, made beside its answer."""

import logging
from time import perf_counter

from everloop.exchange import HttpRequest, ResponseHead
from everloop.handlers.answers import Answer, Instead
from everloop.report import ErrorReport

logger = logging.getLogger("everloop.access")


class LoggedAnswer:
    """Passes an answer on and counts what passes. The query is left out: secrets travel in it."""

    __slots__ = ("_answer", "_bytes", "_first_byte", "_request", "_started", "_status")

    def __init__(self, answer: Answer, request: HttpRequest) -> None:
        self._answer = answer
        self._request = request
        self._started = perf_counter()
        self._first_byte: float | None = None
        self._status: int | None = None
        self._bytes = 0

    @property
    def paused(self) -> bool:
        """True while the other side does not read."""
        return self._answer.paused

    async def drain(self) -> None:
        """Wait until the other side reads again."""
        await self._answer.drain()

    def start(self, head: ResponseHead, body: bytes, more: bool) -> None:
        """Note the status, the time and the first piece."""
        self._answer.start(head, body, more)
        instead = self.instead
        self._status = head.status if instead is None else instead.status
        self._count(body if instead is None else instead.body)

    def write(self, body: bytes, more: bool) -> None:
        """Note a further piece."""
        self._answer.write(body, more)
        if self.instead is None:
            self._count(body)

    def replace(self, status: int, text: str, report: ErrorReport) -> None:
        """Note the status that takes the place of the application's, unless the client has that already."""
        begun = self._answer.begun
        self._answer.replace(status, text, report)
        if not begun:
            self._status = status
            self._bytes = 0
            self._count(text.encode())

    @property
    def begun(self) -> bool:
        """True once the client has the status."""
        return self._answer.begun

    @property
    def instead(self) -> Instead | None:
        """What the client got where the application's response could not be sent."""
        return self._answer.instead

    def log(self) -> None:
        """Write the record."""
        milliseconds = (perf_counter() - self._started) * 1000
        first = None if self._first_byte is None else round((self._first_byte - self._started) * 1000, 3)
        fields = {
            "method": self._request.method,
            "path": self._request.path,
            "status": self._status,
            "bytes": self._bytes,
            "duration_ms": round(milliseconds, 3),
            "first_byte_ms": first,
        }
        logger.info("%s", " ".join(f"{name}={value}" for name, value in fields.items()), extra=fields)

    def _count(self, body: bytes) -> None:
        self._bytes += len(body)
        if self._first_byte is None:
            self._first_byte = perf_counter()
