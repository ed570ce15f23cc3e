"""One request and its response, as the application sees them (ASGI HTTP spec 2.5)."""

import asyncio
from contextlib import aclosing
from enum import Enum
from typing import Protocol

from everloop.asgi.head import response_head
from everloop.asgi.types import Message
from everloop.errors import ClientDisconnected, ProtocolError
from everloop.exchange import ResponseHead, short_of


class ResponseSink(Protocol):
    """Where a response goes. Nothing here waits; after a write look at `paused` and await `drain()`."""

    @property
    def paused(self) -> bool:
        """True while the other side does not read."""

    async def drain(self) -> None:
        """Wait until the other side reads again, or is gone."""

    def start(self, head: ResponseHead, body: bytes, more: bool) -> None:
        """Take the head and the first piece of the body."""

    def write(self, body: bytes, more: bool) -> None:
        """Take a further piece of the body."""


class CycleState(Enum):
    """Where the application has got to with its response. The value is the message that comes next, and where it leads.

    Looked up as an attribute of the state: a dict keyed by an Enum calls Python code for every look.
    """

    REQUEST = ("http.response.start", "HEAD")
    """No message yet."""

    HEAD = ("http.response.body", "BODY or COMPLETE")
    """The head is known and held back, as ASGI asks."""

    BODY = ("http.response.body", "COMPLETE")
    """Some of the body is passed on."""

    COMPLETE = (None, None)
    """The response is complete. There is no way out."""

    def __init__(self, accepts: str | None, leads_to: str | None) -> None:
        self.accepts = accepts
        self.leads_to = leads_to


# An attribute of an Enum costs twice as much as a global.
_REQUEST = CycleState.REQUEST
_HEAD = CycleState.HEAD
_BODY = CycleState.BODY
_COMPLETE = CycleState.COMPLETE

_BODILESS = (204, 304)

PATHSEND = "http.response.pathsend"
"""The extension by which an application names a file as its body."""

MESSAGES_PER_TURN = 64
"""Body messages after which `send()` lets the loop turn: an application that never waits would starve everything else,
its own deadline included, as long as the other side reads as fast as it writes."""


class RequestCycle:
    """Gives an application its `receive` and `send` for one request."""

    __slots__ = (
        "_bodiless",
        "_body",
        "_cut",
        "_gone",
        "_head",
        "_lacking",
        "_method",
        "_sink",
        "_streamed",
        "_unyielded",
        "_waiting",
        "state",
    )

    def __init__(self, method: str, body: bytes, sink: ResponseSink, streamed: bool = False) -> None:
        """Make the cycle of one request; `streamed` says whether the response is: the scope then offers pathsend."""
        self._method = method
        self._body: bytes | None = body
        self._sink = sink
        self._streamed = streamed
        self._head: ResponseHead | None = None
        self._bodiless = False
        self._gone = False
        self._cut = False
        self._unyielded = 0
        self._waiting: asyncio.Event | None = None
        self.state = _REQUEST

    def __repr__(self) -> str:
        return f"<RequestCycle {self.state.name}>"

    def disconnect(self) -> None:
        """Tell the application that nobody waits any more; it may still send."""
        self._gone = True
        if self._waiting is not None:
            self._waiting.set()

    def cut(self) -> None:
        """Disconnect, and let `send()` raise `OSError` from now on."""
        self._cut = True
        self.disconnect()

    async def receive(self) -> Message:
        """Give the request in one message, then http.disconnect once the response is complete or nobody waits."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        if not self._gone:
            if self._waiting is None:
                self._waiting = asyncio.Event()
            await self._waiting.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take one message of the response.

        Raises `ProtocolError` for a message that is wrong here, `ClientDisconnected`, an `OSError`, after `cut()`.
        """
        if self._cut:
            raise ClientDisconnected("The response can no longer be delivered")
        try:
            kind = message["type"]
        except (KeyError, TypeError):
            raise ProtocolError(
                f"The application sent {message!r} (type None) in state {self.state.name}, expected a dict with a type"
            ) from None
        state = self.state
        if kind != state.accepts:
            if kind == PATHSEND and self._streamed and state is _HEAD:
                await self._send_file(message)
                return
            raise ProtocolError(self._unexpected(kind))
        if state is _REQUEST:
            self._head = head = response_head(message)
            self._bodiless = head.status in _BODILESS or self._method == "HEAD"
            self.state = _HEAD
            return
        body = message.get("body", b"")
        if type(body) is not bytes:
            body = _bytes(body)
        more = "more_body" in message and bool(message["more_body"])
        if self._bodiless:
            self._pass_head_alone(more)
        else:
            if self._streamed or more or state is _BODY or not body:
                self._count(body, more)
            if state is _HEAD:
                assert self._head is not None  # noqa: S101 - the state says so
                # The state comes last: a response that cannot be encoded is none.
                self._sink.start(self._head, body, more)
                self.state = _BODY if more else _COMPLETE
            else:
                self._sink.write(body, more)
                if not more:
                    self.state = _COMPLETE
        if not more:
            self._gone = True
            if self._waiting is not None:
                self._waiting.set()
            return
        self._unyielded += 1
        if self._sink.paused:
            self._unyielded = 0
            await self._sink.drain()
        elif self._unyielded >= MESSAGES_PER_TURN:
            self._unyielded = 0
            await asyncio.sleep(0)
        if self._cut:
            raise ClientDisconnected("The response can no longer be delivered")

    async def _send_file(self, message: Message) -> None:
        """Send the body that a file holds, as if the application had sent it in large pieces."""
        path = message.get("path")
        if not isinstance(path, str):
            raise ProtocolError(f"{PATHSEND} has path {path!r}, expected a str")
        if self._bodiless:
            await self.send({"type": "http.response.body"})
            return
        from everloop.asgi.files import read_ahead

        async with aclosing(read_ahead(path)) as pieces:
            while True:
                try:
                    piece, more = await anext(pieces)
                except OSError as error:
                    # Not the OSError itself: to an application that means that the client is gone.
                    raise ProtocolError(f"{PATHSEND} names {path!r}, which cannot be read: {error}") from error
                try:
                    await self.send({"type": "http.response.body", "body": piece, "more_body": more})
                except ProtocolError as error:
                    raise ProtocolError(f"{PATHSEND} names {path!r}: {error}") from None
                if not more:
                    return

    def _count(self, body: bytes, more: bool) -> None:
        """Compare the body with its content-length, which front ends make anew: who else could tell half of it?

        Not asked of a buffered response in one piece: its length is that piece's.
        """
        if self.state is _HEAD:
            assert self._head is not None  # noqa: S101 - the state says so
            self._lacking = self._head.announced_length
        self._lacking -= len(body)
        if self._lacking > 0 and not more:
            raise ProtocolError(short_of(self._lacking))

    def _pass_head_alone(self, more: bool) -> None:
        """Answer HEAD, 204 and 304 without a body: the client has its response with the first body message."""
        if self.state is _HEAD:
            assert self._head is not None  # noqa: S101 - the state says so
            self._sink.start(self._head, b"", False)
            self.disconnect()
        self.state = _BODY if more else _COMPLETE

    @property
    def delivered(self) -> bool:
        """True when the client has its complete response, whatever the application still sends."""
        return self.state is _COMPLETE or (self._bodiless and self.state is _BODY)

    def _unexpected(self, kind: object) -> str:
        if self.state is _COMPLETE:
            return f"The application sent {kind!r} in state COMPLETE: its response was complete already"
        return f"The application sent {kind!r} in state {self.state.name}, expected {self.state.accepts!r}"


def _bytes(body: object) -> bytes:
    if isinstance(body, bytearray | memoryview | bytes):
        return bytes(body)
    raise ProtocolError(f"http.response.body has a body of type {type(body).__name__}, expected bytes")
