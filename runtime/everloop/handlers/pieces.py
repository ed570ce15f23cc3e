"""What a generator yields, as an answer: streamed as it comes, or joined."""

from typing import Any

from everloop.api.reply import Reply
from everloop.errors import ClientDisconnected, MarshalError, UnknownEvent
from everloop.exchange import ResponseHead
from everloop.handlers.answers import Answer, fit
from everloop.handlers.front import Front
from everloop.handlers.results import marshal
from everloop.http_stream import HttpStream
from everloop.sources.base import EventSource
from everloop.sources.function_url import FunctionUrl
from everloop.sources.registry import HTTP, select

STREAM = b"application/octet-stream"


class Pieces:
    """Takes pieces and passes them on. Nothing here waits; after `take()` look at the reply's `paused`."""

    __slots__ = ("_answer", "_begun", "_collected", "_event", "_front", "_head", "_reply", "_streaming")

    def __init__(self, reply: Reply, event: Any, front: Front, *, streaming: bool) -> None:
        self._reply = reply
        self._event = event
        self._front = front
        self._streaming = streaming
        self._answer: Answer | None = None
        self._head: HttpStream | None = None
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
        if self._answer is not None:
            data = item.encode() if isinstance(item, str) else item
            if begun:
                self._answer.write(data, True)
            else:
                assert self._head is not None  # noqa: S101 - the answer was made for it
                self._answer.start(ResponseHead(self._head.status, self._head.headers), data, True)
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
        if self._answer is not None:
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

    def _send_joined(self) -> None:
        """Text becomes JSON text, as if it had been returned; bytes are sent as they are."""
        pieces = self._collected
        if all(isinstance(piece, str) for piece in pieces):
            joined: str | bytes = "".join(map(str, pieces))
        else:
            joined = b"".join(piece.encode() if isinstance(piece, str) else piece for piece in pieces)
        fit(self._reply, *marshal(joined))
