"""One event of a WebSocket connection, as the application sees it (ASGI WebSocket spec 2.5)."""

import asyncio
from enum import Enum, auto
from typing import Protocol

from everloop.asgi.types import Message
from everloop.errors import ClientDisconnected, ProtocolError
from everloop.exchange import checked

PAUSED = 1012
"""The code of the disconnect that ends an event while the connection goes on: "service restart", which no API Gateway
sends, so that an application can tell it from the end of the connection."""

PAUSED_REASON = "This event is handled; the connection stays open and its next event calls the application again"


class SocketSink(Protocol):
    """Where an application's messages go. Raises `ClientDisconnected` when the connection is gone."""

    async def accept(self, subprotocol: str | None, headers: list[tuple[str, str]]) -> None:
        """Answer the handshake: the connection is open from now on."""

    async def refuse(self) -> None:
        """Answer the handshake: there is to be no connection."""

    async def send(self, data: str | bytes) -> None:
        """Pass a message on to the client."""

    async def close(self, code: int, reason: str) -> None:
        """Close the connection."""


class SocketState(Enum):
    """Where an application has got to with the connection."""

    CONNECTING = auto()
    """The client waits for the answer to its handshake. Goes to OPEN by websocket.accept, to CLOSED by
    websocket.close."""

    RESUMED = auto()
    """The handshake was answered in an earlier event. Goes to OPEN by websocket.accept, to GONE where the connection
    has ended meanwhile, to CLOSED by websocket.close."""

    OPEN = auto()
    """Messages pass. Goes to CLOSED by websocket.close, to GONE when the client turns out to be."""

    CLOSED = auto()
    """The application closed the connection. There is no way out."""

    GONE = auto()
    """There is nobody to send to. There is no way out."""


_ACCEPTED = {
    SocketState.CONNECTING: ("websocket.accept", "websocket.close"),
    SocketState.RESUMED: ("websocket.accept", "websocket.close"),
    SocketState.OPEN: ("websocket.send", "websocket.close"),
    SocketState.CLOSED: (),
    SocketState.GONE: (),
}


class WebSocketCycle:
    """Gives an application its `receive` and `send` for one event of a connection.

    `received` is the message of the event, None for the handshake. `ended` is the disconnect that ended the connection,
    None while it goes on: then the application that asks for more gets a disconnect with the code `PAUSED`.
    """

    __slots__ = ("_answered", "_disconnect", "_has_ended", "_pending", "_sink", "state", "told")

    def __init__(self, sink: SocketSink, state: SocketState, received: Message | None, ended: Message | None) -> None:
        self._sink = sink
        self.state = state
        self._pending: list[Message] = [{"type": "websocket.connect"}]
        if received is not None:
            self._pending.append(received)
        self._has_ended = ended is not None
        self._disconnect = ended or _disconnect(PAUSED, PAUSED_REASON)
        self._answered = asyncio.Event()
        if state is not SocketState.CONNECTING:
            self._answered.set()
        self.told: int | None = None
        """The code of the disconnect that the application was given, None before."""

    def __repr__(self) -> str:
        return f"<WebSocketCycle {self.state.name}>"

    def disconnect(self) -> None:
        """Tell an application that waits that nobody waits any more; it may still send."""
        self._pending.clear()
        self._answered.set()

    def cut(self) -> None:
        """Disconnect, and let `send()` raise `OSError` from now on."""
        if self.state is not SocketState.CLOSED:
            self.state = SocketState.GONE
        self.disconnect()

    async def receive(self) -> Message:
        """Give websocket.connect, the message where there is one, then websocket.disconnect, every time."""
        if self._pending and self._pending[0]["type"] == "websocket.connect":
            return self._pending.pop(0)
        await self._answered.wait()
        if self._pending and self.state is not SocketState.CLOSED:
            return self._pending.pop(0)
        self.told = self._disconnect["code"]
        return dict(self._disconnect)

    async def send(self, message: Message) -> None:
        """Take one message of the application's.

        Raises `ProtocolError` for a message that is wrong here, `ClientDisconnected`, an `OSError`, when the connection
        is gone, `AwsRefused` or `AwsUnreachable` when it could not be passed on.
        """
        kind = message.get("type")
        if self.told is not None and kind == "websocket.close":
            return  # tidying up after a disconnect must not end a connection that goes on
        if self.state is SocketState.GONE:
            raise ClientDisconnected("The WebSocket connection is gone")
        if kind not in _ACCEPTED[self.state]:
            raise ProtocolError(self._unexpected(kind))
        if kind == "websocket.accept":
            await self._accept(message)
        elif kind == "websocket.close":
            await self._close(message)
        else:
            await self._pass_on(_data(message))

    async def _accept(self, message: Message) -> None:
        if self.state is SocketState.CONNECTING:
            subprotocol = message.get("subprotocol")
            if not isinstance(subprotocol, str | None):
                raise ProtocolError(f"websocket.accept has subprotocol {subprotocol!r}, expected a string or None")
            await self._sink.accept(subprotocol, _headers(message))
        self.state = SocketState.GONE if self._has_ended else SocketState.OPEN
        self._answered.set()

    async def _close(self, message: Message) -> None:
        answered = self.state is not SocketState.CONNECTING
        self.state = SocketState.CLOSED
        if not self._has_ended:
            self._disconnect = _disconnect(1006, "The application has closed the connection")
        self._answered.set()
        if self._has_ended:
            return
        if answered:
            await self._sink.close(message.get("code") or 1000, message.get("reason") or "")
        else:
            await self._sink.refuse()

    async def _pass_on(self, data: str | bytes) -> None:
        try:
            await self._sink.send(data)
        except ClientDisconnected:
            self.state = SocketState.GONE
            self._disconnect = _disconnect(1006, "The connection is gone")
            raise

    def _unexpected(self, kind: object) -> str:
        expected = " or ".join(map(repr, _ACCEPTED[self.state]))
        return f"The application sent {kind!r} in state {self.state.name}" + (
            f", expected {expected}" if expected else ": it has closed the connection already"
        )


def _disconnect(code: int, reason: str) -> Message:
    return {"type": "websocket.disconnect", "code": code, "reason": reason}


def _headers(message: Message) -> list[tuple[str, str]]:
    try:
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers") or ()]
    except (AttributeError, TypeError, ValueError) as error:
        raise ProtocolError(
            f"websocket.accept has headers {message.get('headers')!r}, expected an iterable of pairs of bytes"
        ) from error
    for name, value in pairs:
        checked("websocket.accept has", name.lower(), value)
    return pairs


def _data(message: Message) -> str | bytes:
    text, data = message.get("text"), message.get("bytes")
    if isinstance(text, str) and data is None:
        return text
    if isinstance(data, bytes | bytearray | memoryview) and text is None:
        return bytes(data)
    raise ProtocolError(
        f"websocket.send has text of type {type(text).__name__} and bytes of type {type(data).__name__}, "
        "expected one of them as str or as bytes"
    )
