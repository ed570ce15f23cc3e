"""A Runtime API without sockets, as hostile as a test wants it, and a clock that only moves when a test says so."""

from __future__ import annotations

import asyncio
import json
import selectors
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import h11

from everloop.api.connection import Connection
from everloop.errors import RuntimeApiUnreachable

TURNS = 12
"""Turns of the loop after which everything that can happen without time passing has happened."""


class _JumpingSelector:
    """Instead of waiting it lets the clock jump to the next timer."""

    def __init__(self) -> None:
        self.now = 0.0
        self._selector = selectors.DefaultSelector()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._selector, name)

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "nothing is left to happen"
        self.now += max(timeout, 0)
        return self._selector.select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)  # type: ignore[arg-type]  # it has every attribute of a selector

    def time(self) -> float:
        return self._jumping.now

    def turn(self) -> None:
        """Let everything happen that needs no time."""

        async def turns() -> None:
            for _ in range(TURNS):
                await asyncio.sleep(0)

        self.run_until_complete(turns())

    def pass_time(self, seconds: float) -> None:
        self.run_until_complete(asyncio.sleep(seconds))
        self.turn()


@dataclass(eq=False)
class Post:
    """One POST of the runtime's, as h11 understands it."""

    kind: str
    headers: dict[bytes, bytes]
    content: bytearray = field(default_factory=bytearray)
    complete: bool = False
    trailers: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def streamed(self) -> bool:
        return b"transfer-encoding" in self.headers


class Wire(asyncio.Transport):
    """Both ends of one connection: the transport that everloop writes to, and the server that reads it."""

    def __init__(self, api: HostileApi, protocol: Connection, slot: int) -> None:
        super().__init__()
        self.slot = slot
        """Whose connection it is."""
        self.paused = False
        self.write_through = False
        """True while nothing may wait in this process for the reader."""
        self._api = api
        self._protocol = protocol
        self._unread = bytearray()
        self._server = h11.Connection(h11.SERVER)
        self.gone = False
        self._deaf = False
        self.polling = False
        self.post: Post | None = None
        self.post_answered = False
        self.request_id: str | None = None
        """Of the invocation that was last delivered here."""
        protocol.connection_made(self)

    # What everloop does with a transport.

    def write(self, data: Any) -> None:
        if not self.gone:
            self._unread += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.write_through = high == 0

    def is_closing(self) -> bool:
        return self.gone

    def abort(self) -> None:
        self.drop(None)

    def close(self) -> None:
        self.drop(None)

    # What the server does.

    def drop(self, error: Exception | None) -> None:
        """End the connection from either side."""
        if not self.gone:
            self.read()
            self.gone = True
            self._api.lost(self)
            asyncio.get_event_loop().call_soon(self._protocol.connection_lost, error)

    def pause(self, paused: bool) -> None:
        if not self.gone:
            self.paused = paused
            (self._protocol.pause_writing if paused else self._protocol.resume_writing)()

    def half_close(self) -> None:
        if not self.gone:
            self._protocol.eof_received()

    def garbage(self) -> None:
        if not self.gone:
            self._protocol.data_received(b"\x16\x03\x01 this is not HTTP\r\n\r\n")

    def read(self) -> None:
        """Understand what has been written."""
        if self.gone or self._deaf:
            return
        if self._unread:
            self._server.receive_data(bytes(self._unread))
            self._unread.clear()
        while True:
            event = self._server.next_event()
            if isinstance(event, h11.Request):
                self._begin(event)
            elif isinstance(event, h11.Data):
                assert self.post is not None
                self.post.content += event.data
            elif isinstance(event, h11.EndOfMessage):
                if not self.polling:
                    assert self.post is not None
                    self.post.complete = True
                    self.post.trailers = dict(event.headers)
            else:
                return

    @property
    def behind(self) -> bytes:
        """What was written behind the request that came last."""
        return self._server.trailing_data[0]

    def _begin(self, request: h11.Request) -> None:
        target = request.target.decode()
        self.polling = target.endswith("/invocation/next")
        self.post_answered = False
        if not self.polling:
            _, request_id, kind = target.rsplit("/", 2)
            self.post = Post(kind, dict(request.headers))
            self._api.posted(request_id, self.post, self)

    def respond(self, status: int, headers: dict[str, str], body: bytes, pieces: int = 1, close: bool = False) -> None:
        """Answer the current request, complete or not, in so many pieces."""
        fields = [*headers.items(), ("Content-Length", str(len(body)))]
        if close:
            fields.append(("Connection", "close"))
        server = self._server
        raw = server.send(h11.Response(status_code=status, headers=fields)) or b""
        raw += (server.send(h11.Data(data=body)) or b"") + (server.send(h11.EndOfMessage()) or b"")
        self.polling = False
        self.post_answered = True
        self._deaf = close  # who says close reads no more
        size = -(-len(raw) // pieces)
        for start in range(0, len(raw), size):
            if not self.gone:
                self._protocol.data_received(raw[start : start + size])
        if not self.gone and server.our_state is h11.DONE and server.their_state is h11.DONE:
            server.start_next_cycle()
            self.read()


class HostileApi:
    """Every connection that everloop opens, and every POST that came for an invocation."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []
        self.posts: dict[str, list[tuple[Post, Wire]]] = {}
        self.lost_wires: list[Wire] = []
        """Ended since somebody looked last."""
        self.on_lost: Callable[[Wire], None] = lambda _: None
        """Called when a connection ends, before everloop hears of it."""
        self.refusals = 0
        """Connections that are refused from now on."""
        self.refused: Counter[int] = Counter()
        """Connections that were refused, by slot."""

    async def connect(self, slot: int = 0) -> Connection:
        await asyncio.sleep(0)
        if self.refusals:
            self.refusals -= 1
            self.refused[slot] += 1
            raise RuntimeApiUnreachable("refused by the test")
        protocol = Connection()
        self.wires.append(Wire(self, protocol, slot))
        return protocol

    def posted(self, request_id: str, post: Post, wire: Wire) -> None:
        self.posts.setdefault(request_id, []).append((post, wire))

    def lost(self, wire: Wire) -> None:
        self.lost_wires.append(wire)
        self.on_lost(wire)

    def read(self) -> None:
        for wire in self.wires:
            wire.read()

    @property
    def open(self) -> list[Wire]:
        """By slot: of slots that connect at the same moment either may be the first."""
        return sorted((wire for wire in self.wires if not wire.gone), key=lambda wire: wire.slot)

    @property
    def polls(self) -> list[Wire]:
        return [wire for wire in self.open if wire.polling]


def deliver(wire: Wire, request_id: str, event: bytes, timeout: float, pieces: int = 1, close: bool = False) -> None:
    """Answer a poll with an event."""
    wire.request_id = request_id
    headers = {
        "Lambda-Runtime-Aws-Request-Id": request_id,
        "Lambda-Runtime-Deadline-Ms": str(int((time.time() + timeout) * 1000)),
    }
    wire.respond(200, headers, event, pieces, close)


def stream_of(post: Post) -> tuple[dict[str, Any], bytes]:
    """The prelude and the body of a streamed answer."""
    prelude, nuls, body = bytes(post.content).partition(b"\0" * 8)
    assert nuls
    return json.loads(prelude), body
