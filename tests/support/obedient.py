"""An ASGI application that does what it is told, step by step, and knows what `send()` and `receive()` owe it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from everloop.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.hostile import Wire

BODY = "http.response.body"
START = "http.response.start"
NEXT = {START: ("REQUEST", "HEAD"), BODY: ("HEAD BODY", "BODY")}
"""For each message that is legal at all: in which states, and what comes after it."""


class Whim(Exception):
    """What the applications raise."""


@dataclass(eq=False)
class Call:
    """One invocation, from its delivery on: what its application did, what was taken, and every law that was broken.

    A broken law is noted instead of asserted: whatever an application raises is answered with a 500, this as well.
    """

    request_id: str
    method: str
    is_http: bool
    wire: Wire
    """The connection that it was delivered on."""
    moved: bool
    """Delivered with `Connection: close`: answered on another connection of the same slot."""
    refused_before: int
    """Connections that the slot had been refused by then."""
    buffered: bool
    stop_at: float
    """When the deadline's first step comes, by the loop's clock, at the latest."""
    paused: Callable[[Call], bool]
    """Tells whether the Runtime API does not read a streamed answer now, as far as that is known."""

    steps: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    taken: bytearray = field(default_factory=bytearray)
    offered: bytes = b""
    """What a `send()` that has not returned yet was given."""
    unsure: bytes | None = None
    """What the first `send()` was given that raised OSError: it may have left before the break."""
    state: str = "REQUEST"
    started: bool = False
    ended: bool = False
    stubborn: bool = False
    excused: bool = False
    """Nobody can ask for an answer: the other side refused it or went away."""
    gone: bool = False
    """The connection broke before the answer was complete; everloop hears of it a turn later."""
    cut: bool = False
    """It has heard: whatever is sent from now on raises."""
    sending: bool = False
    receiving: bool = False
    received: int = 0
    broken_laws: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """True when the application has sent its last message."""
        return self.state == "COMPLETE"

    @property
    def begun(self) -> bool:
        """True when the client may have heard of the application."""
        return self.state in ("BODY", "COMPLETE")

    @property
    def answered(self) -> bool:
        """True when the client has its complete response."""
        return self.whole or (self.method == "HEAD" and self.begun)

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def run(self, receive: Any, send: Any) -> None:
        """Be the application."""
        self.started = True
        try:
            while True:
                try:
                    step = await self.steps.get()
                    if step == "return":
                        return
                    if step == "raise":
                        raise Whim
                    if step == "receive":
                        await self.receive(receive)
                    else:
                        await self.send(send, *step)
                except asyncio.CancelledError:
                    if not self.stubborn:
                        raise
        finally:
            self.ended = True

    async def receive(self, receive: Any) -> None:
        """The request once; then http.disconnect when the response is complete, or nobody waits, and not before."""
        owed = not self.received or self.answered or self.cut or self.now() > self.stop_at + 0.01
        self.receiving = True
        try:
            message = await asyncio.wait_for(receive(), 0.01)
        except TimeoutError:
            if owed or self.cut:
                self.broken_laws.append("receive() does not say what it knows")
            return
        finally:
            self.receiving = False
        expected = "http.disconnect" if self.received else "http.request"
        self.received += 1
        if message["type"] != expected:
            self.broken_laws.append(f"receive() gave {message}, expected {expected}")
        elif expected == "http.disconnect" and not (self.answered or self.cut or self.excused or self.near_its_end()):
            self.broken_laws.append("receive() disconnects without a reason")

    def near_its_end(self) -> bool:
        """The deadline counts real time, which the loop's clock does not: two seconds for a slow machine."""
        return self.now() > self.stop_at - 2

    async def send(self, send: Any, message: Any, escapes: bool) -> None:
        kind = str(message.get("type")) if isinstance(message, dict) else ""
        data = message.get("body", b"") if kind == BODY else b""
        legal = self.is_legal(message, kind)
        before, gone, cut, paused = self.state, self.gone, self.cut, self.paused(self)
        more = kind == BODY and message.get("more_body", False)
        if legal:
            self.state = "COMPLETE" if kind == BODY and not more else NEXT[kind][1]
            self.offered = data
        self.sending = True
        try:
            await send(message)
        except Exception as error:
            if isinstance(error, OSError):
                self.unsure = self.offered if self.unsure is None else self.unsure
                if not (self.cut or self.excused or self.near_its_end()):
                    self.broken_laws.append("send() raised OSError although somebody waits")
            elif isinstance(error, ProtocolError) and legal:
                self.broken_laws.append(f"send() refused {message} in state {before}")
            elif not isinstance(error, ProtocolError):
                self.broken_laws.append(f"send() raised {error!r}")
            self.state, self.offered = before, b""
            if escapes:
                raise
            return
        except asyncio.CancelledError:
            # It was written before it had to wait: not acknowledged, and there all the same.
            self.taken += self.offered
            self.offered = b""
            raise
        finally:
            self.sending = False
        if cut:
            self.broken_laws.append("send() after the break did not raise")
        if self.gone and not gone:
            self.broken_laws.append("send() waited for the reader, and does not say that it is gone")
        if not legal:
            self.broken_laws.append(f"send() took {message} in state {before}")
        if more and paused and self.paused(self) and not self.excused:
            self.broken_laws.append("send() did not wait for the reader")
        self.taken += self.offered
        self.offered = b""

    def is_legal(self, message: Any, kind: str) -> bool:
        states, _ = NEXT.get(kind, ("", ""))
        types = {START: ("status", int), BODY: ("body", bytes)}
        if self.state not in states.split():
            return False
        name, wanted = types[kind]
        return isinstance(message.get(name, b""), wanted)

    def possible(self) -> list[bytes]:
        """The bodies that may be on the wire."""
        return [bytes(self.taken), bytes(self.taken + (self.offered or self.unsure or b""))]
