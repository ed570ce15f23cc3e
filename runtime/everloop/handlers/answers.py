"""The two ways in which an HTTP response leaves: as one envelope, or streamed as it is made."""

import logging
from collections.abc import Collection
from typing import NamedTuple, Protocol

import orjson

from everloop.api.reply import Reply
from everloop.asgi.cycle import ResponseSink
from everloop.errors import ErrorStatus, ResponseSizeTooLarge
from everloop.exchange import ResponseHead
from everloop.failures import log_failure
from everloop.report import ErrorReport
from everloop.sources.base import Event, EventSource
from everloop.sources.body import TextTypes
from everloop.wire.prelude import CONTENT_TYPE, LIMIT, encode_prelude
from everloop.wire.runtime_api import JSON, MAX_PAYLOAD

logger = logging.getLogger("everloop")

KEPT_OF_ERROR_BODY = 64 * 1024
"""Bytes of a failing response's body that its error message keeps."""


SMALL_ENOUGH = 1_000_000
"""Bytes that every source takes: no need to look at its own limit."""


class Answer(ResponseSink, Protocol):
    """A response on its way, which the runtime may have to replace or to end itself."""

    @property
    def begun(self) -> bool:
        """True once the client has the status."""

    @property
    def instead(self) -> "Instead | None":
        """What the client got where the application's response cannot be sent."""

    def replace(self, status: int, text: str, report: ErrorReport) -> None:
        """Answer with `status` instead, or end a stream that has begun with `report`."""


class Instead(NamedTuple):
    """A whole answer in the place of the application's."""

    status: int
    body: bytes


OVERSIZED = Instead(500, b"Internal Server Error")
"""For a response whose prelude Lambda would not take."""


class BufferedAnswer:
    """Collects a response and sends it as the envelope of its event source."""

    __slots__ = ("_collected", "_error_statuses", "_event", "_reply", "_source", "_text_types")

    paused = False
    begun = False
    instead = None

    def __init__(
        self,
        reply: Reply,
        source: EventSource,
        event: Event,
        text_types: TextTypes,
        error_statuses: Collection[int] = (),
    ) -> None:
        self._reply = reply
        self._source = source
        self._event = event
        self._text_types = text_types
        self._error_statuses = error_statuses
        self._collected: _Collected | None = None
        """What came of a response that is sent in several pieces."""

    async def drain(self) -> None:
        """Return at once: nothing is on its way yet."""

    def start(self, head: ResponseHead, body: bytes, more: bool) -> None:
        """Take the head and the first piece of the body; a whole response is sent."""
        if more:
            self._collected = _Collected(head)
            self.write(body, more)
            return
        if head.status in self._error_statuses:
            self._reply.fail(ErrorReport.of(error_status(head, body, len(body))))
            return
        text, is_base64 = self._text_types.encode(head, body)
        payload = orjson.dumps(self._source.encode(self._event, head, text, is_base64))
        if len(payload) > SMALL_ENOUGH:
            if len(payload) > MAX_PAYLOAD:
                self._reply.fail(ErrorReport.of(ResponseSizeTooLarge(len(payload), MAX_PAYLOAD)))
                return
            self._warn_of_limit(len(payload), is_base64)
        self._reply.complete(payload)

    def write(self, body: bytes, more: bool) -> None:
        """Take a further piece; with the last one the response is sent."""
        collected = self._collected
        assert collected is not None  # noqa: S101 - the cycle starts before it writes
        collected.add(body)
        if more:
            return
        if collected.size > MAX_PAYLOAD:
            self._reply.fail(ErrorReport.of(ResponseSizeTooLarge(collected.size, MAX_PAYLOAD)))
        else:
            self.start(collected.head, b"".join(collected.pieces), False)

    def replace(self, status: int, text: str, report: ErrorReport) -> None:
        """Answer with `status` instead of what was collected, or fail where this status is to fail."""
        self._collected = None
        if status in self._error_statuses:
            self._reply.fail(report)
        else:
            self.start(error_head(status), text.encode(), False)

    def _warn_of_limit(self, size: int, is_base64: bool) -> None:
        limit = self._source.response_limit
        if limit is not None and size > limit:
            logger.warning(
                "The response is %s bytes as JSON%s and %s takes at most 1 MB (%s bytes): it answers its client 502. "
                "Send less, compress text, or put large files behind S3 or a Function URL.",
                f"{size:,}",
                ", base64 having added a third," if is_base64 else "",
                self._source.name,
                f"{limit:,}",
            )


class _Collected:
    """The pieces of a response so far: a whole one, as most are, needs none of this."""

    __slots__ = ("head", "pieces", "size")

    def __init__(self, head: ResponseHead) -> None:
        self.head = head
        self.pieces: list[bytes] = []
        self.size = 0

    def add(self, body: bytes) -> None:
        """Take a piece. What can never be sent is only counted: memory must not grow with a mistake."""
        self.size += len(body)
        if self.size <= MAX_PAYLOAD:
            self.pieces.append(body)
        else:
            self.pieces.clear()


class StreamedAnswer:
    """Sends the prelude with the first piece of the body and every later piece at once."""

    __slots__ = ("_error_statuses", "_failing", "_kept", "_reply", "_size", "_source", "_started", "instead")

    instead: Instead | None

    def __init__(self, reply: Reply, source: EventSource, error_statuses: Collection[int] = ()) -> None:
        self._reply = reply
        self._source = source
        self._error_statuses = error_statuses
        self._started = False
        self.instead = None
        self._failing: ResponseHead | None = None
        self._kept = b""
        self._size = 0

    @property
    def paused(self) -> bool:
        """True while the Runtime API does not read."""
        return self._reply.paused

    @property
    def begun(self) -> bool:
        """True once head and prelude are sent."""
        return self._started

    async def drain(self) -> None:
        """Wait until the Runtime API reads again."""
        await self._reply.drain()

    def start(self, head: ResponseHead, body: bytes, more: bool) -> None:
        """Send head, prelude and the first piece in one write."""
        if head.status in self._error_statuses:
            self._failing = head
            self.write(body, more)
            return
        prelude = self._prelude(head)
        if len(prelude) > LIMIT:
            logger.error(
                "The response's status and headers are %d bytes as a prelude and Lambda takes at most %d: answered 500 "
                "instead. Large cookies are the usual cause.",
                len(prelude),
                LIMIT,
            )
            self.instead = OVERSIZED
            self._reply.start(CONTENT_TYPE, self._prelude(error_head(OVERSIZED.status)), OVERSIZED.body)
            self._reply.finish()
            return
        self._started = True
        self._reply.start(CONTENT_TYPE, prelude, body)
        if not more:
            self._reply.finish()

    def write(self, body: bytes, more: bool) -> None:
        """Send a further piece now; with the last one the body ends."""
        if self._failing is not None:
            self._keep(self._failing, body, more)
        elif not self._started:
            pass  # already answered 500
        elif more:
            self._reply.write(body)
        else:
            self._reply.finish(body)

    def replace(self, status: int, text: str, report: ErrorReport) -> None:
        """Answer with `status` as long as nothing is sent; a stream that has begun ends with error trailers."""
        if self._started or status in self._error_statuses:
            self._reply.fail(report)
            return
        self._started = True
        self._reply.start(CONTENT_TYPE, self._prelude(error_head(status)), text.encode())
        self._reply.finish()

    def _prelude(self, head: ResponseHead) -> bytes:
        # A length that the body may not keep to would break the connection to the client; Lambda frames the stream.
        streamed = ResponseHead(head.status, [pair for pair in head.headers if pair[0] != "content-length"])
        return encode_prelude(self._source.prelude(streamed))

    def _keep(self, head: ResponseHead, body: bytes, more: bool) -> None:
        self._size += len(body)
        self._kept += body[: KEPT_OF_ERROR_BODY - len(self._kept)]
        if not more:
            self._reply.fail(ErrorReport.of(error_status(head, self._kept, self._size)))


def fit(reply: Reply, payload: bytes, content_type: bytes = JSON) -> None:
    """Send a buffered response, or fail where it is larger than Lambda takes."""
    if len(payload) > MAX_PAYLOAD:
        reply.fail(ErrorReport.of(ResponseSizeTooLarge(len(payload), MAX_PAYLOAD)))
    else:
        reply.complete(payload, content_type)


def replace(answer: Answer, reply: Reply, status: int, text: str, error: BaseException) -> None:
    """Answer with `status` in the place of an application that failed with `error`, in any case with something."""
    report = ErrorReport.of(error)
    try:
        answer.replace(status, text, report)
    except Exception as failure:  # noqa: BLE001 - the user's own sources raise anything
        log_failure("An event source raised", failure)
        reply.fail(report)


def error_head(status: int) -> ResponseHead:
    """Give the head of an answer that the runtime makes itself."""
    return ResponseHead(status, [("content-type", "text/plain; charset=utf-8")])


def error_status(head: ResponseHead, body: bytes, size: int) -> ErrorStatus:
    """Make the error of a status that is to fail the invocation; it keeps the body."""
    cut = "" if size <= KEPT_OF_ERROR_BODY else f"… [{size:,} bytes]"
    text = body[:KEPT_OF_ERROR_BODY].decode("utf-8", "replace")
    return ErrorStatus(f"The application answered {head.status}, which EVERLOOP_ERROR_STATUSES lists: {text}{cut}")
