"""What a generator yields, as an answer: streamed as it comes, or joined."""

from typing import Any

from everloop.api.reply import Reply
from everloop.errors import ClientDisconnected, MarshalError, UnknownEvent
from everloop.exchange import ResponseHead
from everloop.handlers.answers import Answer, StreamedAnswer, fit
from everloop.handlers.front import Front
from everloop.handlers.results import marshal
from everloop.http_stream import HttpStream
from everloop.sources.base import EventSource
from everloop.sources.function_url import FunctionUrl
from everloop.sources.registry import HTTP, select

STREAM = b"application/octet-stream"

_BODILESS = (204, 304)


class Pieces:
    """Takes pieces and passes them on. Nothing here waits; after `take()` look at the reply's `paused`."""

    __slots__ = ("_answer", "_begun", "_bodiless", "_collected", "_event", "_front", "_head", "_reply", "_streaming")

    def __init__(self, reply: Reply, event: Any, front: Front, *, streaming: bool) -> None:
        self._reply = reply
        self._event = event
        self._front = front
        self._streaming = streaming
        self._answer: Answer | None = None
        self._head: HttpStream | None = None
        self._bodiless = False
        self._begun = False
        self._collected: list[str | bytes] = []

    def take(self, item: object) -> None:
        """Take a head or a piece of the body.

        Raises `MarshalError` for anything else, `ClientDisconnected` when nobody can get it.
        """
        if self._reply.broken:
            raise ClientDisconnected("The response can no longer be delivered")
        if isinstance(item, HttpStream):
            self._take_head(item)
            return
        if not isinstance(item, str | bytes):
            raise MarshalError(
                f"The generator yielded {type(item).__name__}, expected str or bytes"
                + (": an everloop.http_stream() comes before all pieces" if self._begun else "")
            )
        begun, self._begun = self._begun, True
        if self._bodiless:
            # The client need not wait for the end of what it does not get. A buffered answer waits for it as any does.
            if not begun and isinstance(self._answer, StreamedAnswer):
                self._start(b"", False)
        elif self._answer is not None:
            data = item.encode() if isinstance(item, str) else item
            if begun:
                self._answer.write(data, True)
            else:
                self._start(data, True)
        elif not self._streaming:
            if item:
                self._collected.append(item)
        else:
            data = item.encode() if isinstance(item, str) else item
            if begun:
                self._reply.write(data)
            else:
                self._reply.start(STREAM, data)

    def finish(self) -> None:
        """End the answer."""
        if self._bodiless:
            if not (self._begun and isinstance(self._answer, StreamedAnswer)):
                self._start(b"", False)
        elif self._answer is not None:
            if not self._begun:
                self.take(b"")
            self._answer.write(b"", False)
        elif self._streaming:
            if not self._begun:
                self._reply.start(STREAM)
            self._reply.finish()
        else:
            self._send_joined()

    def _take_head(self, head: HttpStream) -> None:
        if self._begun or self._head is not None:
            raise MarshalError("The generator yielded a second everloop.http_stream(), or one after its first piece")
        self._head = head
        try:
            source: EventSource = select(self._event, HTTP)
        except UnknownEvent:
            source = FunctionUrl()  # the form that most callers know
        self._answer = self._front.answer(self._reply, source, self._event)
        self._bodiless = head.status in _BODILESS or _method_of(self._event) == "HEAD"

    def _start(self, data: bytes, more: bool) -> None:
        assert self._head is not None  # noqa: S101
        assert self._answer is not None  # noqa: S101 - it was made for the head
        self._answer.start(ResponseHead(self._head.status, self._head.headers), data, more)

    def _send_joined(self) -> None:
        """Text becomes JSON text, as if it had been returned; bytes are sent as they are."""
        pieces = self._collected
        if all(isinstance(piece, str) for piece in pieces):
            joined: str | bytes = "".join(map(str, pieces))
        else:
            joined = b"".join(piece.encode() if isinstance(piece, str) else piece for piece in pieces)
        fit(self._reply, *marshal(joined))


def _method_of(event: Any) -> Any:
    """Give the request's method from where the sources have it; the handler may have made anything of the event."""
    if not isinstance(event, dict):
        return None
    context = event.get("requestContext")
    http = context.get("http") if isinstance(context, dict) else None
    return http.get("method") if isinstance(http, dict) else event.get("httpMethod", event.get("method"))
