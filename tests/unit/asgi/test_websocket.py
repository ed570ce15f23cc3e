"""One event of a WebSocket connection: what the application gets, what it may send, what leaves."""

import asyncio
from typing import Any

import pytest

from everloop.asgi.websocket import PAUSED, PAUSED_REASON, SocketState, WebSocketCycle
from everloop.errors import ClientDisconnected, ProtocolError

pytestmark = pytest.mark.anyio

CONNECT = {"type": "websocket.connect"}
ACCEPT = {"type": "websocket.accept"}
CLOSE = {"type": "websocket.close"}
RECEIVE = {"type": "websocket.receive", "text": "hi"}
SEND = {"type": "websocket.send", "text": "ho"}
PAUSE = {"type": "websocket.disconnect", "code": PAUSED, "reason": PAUSED_REASON}
END = {"type": "websocket.disconnect", "code": 1001, "reason": "Going away"}


class RecordingSink:
    """Keeps what it was told; with `gone` set every send finds the connection gone."""

    def __init__(self, gone: bool = False) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.gone = gone

    async def accept(self, subprotocol: str | None, headers: list[tuple[str, str]]) -> None:
        self.told.append(("accept", subprotocol, headers))

    async def refuse(self) -> None:
        self.told.append(("refuse",))

    async def send(self, data: str | bytes) -> None:
        if self.gone:
            raise ClientDisconnected("gone")
        self.told.append(("send", data))

    async def close(self, code: int, reason: str) -> None:
        self.told.append(("close", code, reason))


@pytest.fixture
def sink() -> RecordingSink:
    return RecordingSink()


def handshake(sink: RecordingSink) -> WebSocketCycle:
    return WebSocketCycle(sink, SocketState.CONNECTING, None, None)


def message(sink: RecordingSink) -> WebSocketCycle:
    return WebSocketCycle(sink, SocketState.RESUMED, dict(RECEIVE), None)


def end(sink: RecordingSink) -> WebSocketCycle:
    return WebSocketCycle(sink, SocketState.RESUMED, None, dict(END))


async def test_a_handshake_is_answered_by_accept(sink: RecordingSink) -> None:
    """Connect, accept, then a disconnect that says that the connection goes on, every time."""
    cycle = handshake(sink)

    assert await cycle.receive() == CONNECT
    await cycle.send(ACCEPT | {"subprotocol": "v1", "headers": [(b"x-a", b"\xe9")]})
    assert await cycle.receive() == PAUSE
    assert await cycle.receive() == PAUSE
    assert sink.told == [("accept", "v1", [("x-a", "é")])]


async def test_a_handshake_is_refused_by_close(sink: RecordingSink) -> None:
    """There is then nothing more to send, and the connection is no more."""
    cycle = handshake(sink)
    await cycle.send(CLOSE | {"code": 1008})

    assert sink.told == [("refuse",)]
    with pytest.raises(ProtocolError, match="closed the connection already"):
        await cycle.send(ACCEPT)
    assert (await cycle.receive(), (await cycle.receive())["code"]) == (CONNECT, 1006)


async def test_asking_for_more_than_the_handshake_waits_for_its_answer(sink: RecordingSink) -> None:
    """Some frameworks listen while they decide."""
    cycle = handshake(sink)
    await cycle.receive()
    listening = asyncio.ensure_future(cycle.receive())
    await asyncio.sleep(0)
    assert not listening.done()

    await cycle.send(ACCEPT)
    assert await listening == PAUSE


async def test_messages_may_follow_the_accept(sink: RecordingSink) -> None:
    """A greeting leaves with the handshake's event."""
    cycle = handshake(sink)
    await cycle.send(ACCEPT)
    await cycle.send(SEND)
    await cycle.send({"type": "websocket.send", "bytes": b"\0"})
    await cycle.send({"type": "websocket.send", "text": "", "bytes": None})

    assert sink.told == [("accept", None, []), ("send", "ho"), ("send", b"\0"), ("send", "")]


async def test_a_message_comes_after_an_accept_that_nobody_sees(sink: RecordingSink) -> None:
    """The application runs as if the connection were new; its accept was answered long ago."""
    cycle = message(sink)

    assert await cycle.receive() == CONNECT
    await cycle.send(ACCEPT | {"subprotocol": "v1"})
    assert await cycle.receive() == RECEIVE
    await cycle.send(SEND)
    assert await cycle.receive() == PAUSE
    assert sink.told == [("send", "ho")]


async def test_close_ends_the_connection_from_any_message(sink: RecordingSink) -> None:
    """Before its accept, where the application has changed its mind, and after it."""
    await message(sink).send(CLOSE)
    cycle = message(sink)
    await cycle.send(ACCEPT)
    await cycle.send(CLOSE | {"code": 3000, "reason": "enough"})

    assert sink.told == [("close", 1000, ""), ("close", 3000, "enough")]
    with pytest.raises(ProtocolError):
        await cycle.send(SEND)


async def test_a_close_after_the_disconnect_only_tidies_up(sink: RecordingSink) -> None:
    """`finally: await websocket.close()` must not end a connection that goes on."""
    cycle = message(sink)
    await cycle.send(ACCEPT)
    for _ in range(3):
        await cycle.receive()
    await cycle.send(CLOSE)
    await cycle.send(SEND)

    assert cycle.told == PAUSED
    assert sink.told == [("send", "ho")]


async def test_the_end_brings_code_and_reason(sink: RecordingSink) -> None:
    """`$disconnect`: nothing can be sent any more."""
    cycle = end(sink)

    assert await cycle.receive() == CONNECT
    await cycle.send(ACCEPT)
    with pytest.raises(OSError, match="gone"):
        await cycle.send(SEND)
    assert [await cycle.receive(), await cycle.receive()] == [END, END]
    await cycle.send(CLOSE)
    assert sink.told == []


async def test_refusing_an_ended_connection_is_harmless(sink: RecordingSink) -> None:
    """An application that refuses whatever it no longer knows."""
    cycle = end(sink)
    await cycle.send(CLOSE)

    assert [await cycle.receive(), await cycle.receive()] == [CONNECT, END]
    assert sink.told == []


async def test_a_gone_connection_raises_an_os_error_and_then_disconnects() -> None:
    """Once found gone it stays gone."""
    sink = RecordingSink(gone=True)
    cycle = message(sink)
    await cycle.send(ACCEPT)

    for _ in range(2):
        with pytest.raises(ClientDisconnected):
            await cycle.send(SEND)
    await cycle.receive()
    await cycle.receive()
    assert (await cycle.receive())["code"] == 1006
    assert cycle.state is SocketState.GONE


async def test_the_deadline_ends_waiting_and_then_sending(sink: RecordingSink) -> None:
    """First the application is told, then cut off."""
    cycle = handshake(sink)
    await cycle.receive()
    listening = asyncio.ensure_future(cycle.receive())
    await asyncio.sleep(0)
    cycle.disconnect()
    assert (await listening)["type"] == "websocket.disconnect"

    cycle.cut()
    with pytest.raises(OSError, match="gone"):
        await cycle.send(ACCEPT)


@pytest.mark.parametrize(
    ("first", "wrong", "named"),
    [
        (None, SEND, "CONNECTING"),
        (None, {"type": "http.response.start"}, "http.response.start"),
        (None, {}, "None"),
        (None, ACCEPT | {"subprotocol": b"v1"}, "subprotocol"),
        (None, ACCEPT | {"headers": [(b"x-a", b"1\r\n2")]}, r"header x-a with '\\r' at character 1"),
        (None, ACCEPT | {"headers": [("x", "y")]}, "headers"),
        (ACCEPT, ACCEPT, "OPEN"),
        (ACCEPT, {"type": "websocket.send"}, "NoneType"),
        (ACCEPT, {"type": "websocket.send", "text": b"x"}, "bytes"),
        (ACCEPT, {"type": "websocket.send", "text": "x", "bytes": b"x"}, "expected one"),
    ],
)
async def test_what_breaks_the_protocol_is_named(
    first: dict[str, Any] | None, wrong: dict[str, Any], named: str, sink: RecordingSink
) -> None:
    """The message, and the state that it met."""
    cycle = handshake(sink)
    if first:
        await cycle.send(first)

    with pytest.raises(ProtocolError, match=named):
        await cycle.send(wrong)


async def test_a_cycle_shows_its_state(sink: RecordingSink) -> None:
    """For the log."""
    assert repr(message(sink)) == "<WebSocketCycle RESUMED>"
