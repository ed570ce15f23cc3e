"""One keep-alive connection to the Runtime API: pipelined requests, answers in order, flow control."""

import asyncio
import os
import socket
from collections import deque
from collections.abc import Sequence
from typing import cast

from everloop.api.line import Expectation, tell_lost
from everloop.errors import RuntimeApiUnreachable
from everloop.wire.http1 import AnswerReader

PEEKED = 16 * 1024
"""Bytes in which the head of an event is found, also behind the acknowledgement of a response."""


class Connection(asyncio.Protocol):
    """Writes requests and hands the answers, which come in the order of the requests, to those who wait for them."""

    def __init__(self) -> None:
        self._expected: deque[Expectation] = deque()
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._gathers = False
        """True where the transport takes several pieces and copies none."""
        self._error: Exception | None = None
        self._waiting_to_write: list[asyncio.Future[None]] = []
        self.waiting = b""
        """What was allowed to wait for the next write."""
        self.corked = False
        """True while somebody promises to `flush()` within this turn of the loop, which is cheaper than a callback."""
        self.served = 0
        """Answers that came so far: a connection that served once and then ends was merely kept alive too long."""
        self.closed = False
        """True when nothing can be asked any more."""
        self._ended = False
        self._end: asyncio.Future[None] | None = None
        self.paused = False
        """True while the Runtime API does not read: await `drain()` before the next write."""
        self.listener: Expectation | None = None
        """Told of the end of the connection although it has asked for nothing yet."""

    def __repr__(self) -> str:
        return f"<Connection {'closed' if self.closed else 'open'}, {len(self._expected)} answers outstanding>"

    # Called by those who talk to the Runtime API.

    def ask(self, expectation: Expectation, request: bytes, may_wait: bool = False) -> None:
        """Write a whole request and expect its answer.

        One that may wait leaves with the next write, at the latest when the loop turns.
        """
        if self._transport is None or self.closed:
            expectation.lost(self._error or RuntimeApiUnreachable("The connection to the Runtime API is closed"))
            return
        self._expected.append(expectation)
        if may_wait:
            self.waiting = request
            if not self.corked:
                asyncio.get_running_loop().call_soon(self.flush)
        elif self.waiting:
            self._transport.write(self.waiting + request)
            self.waiting = b""
        else:
            self._transport.write(request)

    def begin(self, expectation: Expectation, pieces: Sequence[bytes]) -> None:
        """Write a request, or the beginning of one, without copying its pieces, and expect its answer."""
        if self._transport is None or self.closed:
            expectation.lost(self._error or RuntimeApiUnreachable("The connection to the Runtime API is closed"))
            return
        self.flush()
        self._expected.append(expectation)
        self._write(self._transport, pieces)

    def write(self, pieces: Sequence[bytes]) -> None:
        """Write more of the request that was begun last."""
        if self._transport is not None and not self.closed:
            self._write(self._transport, pieces)

    def flush(self) -> None:
        """Let go what was allowed to wait and is still waiting."""
        if self.waiting and self._transport is not None and not self.closed:
            self._transport.write(self.waiting)
        self.waiting = b""

    def write_through(self, enabled: bool) -> None:
        """Let every write reach the socket at once and pause as soon as it takes no more.

        For streaming: what the application sends leaves now, and not even one chunk waits in this process. Otherwise
        the writes of one turn of the loop are joined, which is what lets a response and the next poll leave together.
        """
        if self._transport is not None and not self.closed:
            self._transport.set_write_buffer_limits(high=0 if enabled else None)

    @property
    def unread_event(self) -> bool:
        """True when an event has come that the loop has not taken yet. Any thread may ask."""
        if self._transport is None or self.closed:
            return False
        try:
            # A descriptor of our own: the loop may close the other one meanwhile.
            with socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno())) as line:
                come = line.recv(PEEKED, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError:  # nothing has come, or the connection has just ended
            return False
        return b"\r\nlambda-runtime-aws-request-id:" in come.lower()

    async def drain(self) -> None:
        """Wait until the Runtime API reads again, or the connection ends."""
        while self.paused and not self.closed:
            # One for each who waits: a shared one would have to be shielded, which costs a turn of the loop.
            waiting = asyncio.get_running_loop().create_future()
            self._waiting_to_write.append(waiting)
            await waiting

    def abort(self, error: Exception) -> None:
        """End the connection now; what is still expected is lost with `error`."""
        self._error = self._error or error
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """End the connection once all is written; nobody is waiting for anything any more."""
        self._expected.clear()
        self.listener = None
        if self._transport is not None:
            self.flush()
            self._transport.close()

    async def wait_closed(self) -> None:
        """Wait, after `close()`, until the last byte is written or cannot be."""
        if self._transport is not None and not self._ended:
            self._end = asyncio.get_running_loop().create_future()
            await self._end

    def _write(self, transport: asyncio.Transport, pieces: Sequence[bytes]) -> None:
        if len(pieces) == 1:
            transport.write(pieces[0])
        elif self._gathers:
            transport.writelines(pieces)
        else:
            transport.write(b"".join(pieces))

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        # asyncio's own joins the pieces anyway, and before Python 3.13.2 does not pause then (cpython#127655).
        self._gathers = type(transport).__module__.startswith("uvloop")

    def data_received(self, data: bytes) -> None:
        """Hand the answers on in the order of their requests."""
        try:
            answers = self._reader.receive(data)
        except RuntimeApiUnreachable as error:
            self.abort(error)
            return
        for answer in answers:
            if not self._expected:
                self.abort(RuntimeApiUnreachable(f"The Runtime API answered what nobody asked: {answer!r}"))
                return
            self.served += 1
            if not answer.keep_alive and self._transport is not None:
                self._transport.close()
                self.closed = True
            self._expected.popleft().answered(answer)

    def eof_received(self) -> None:
        """End the connection on both sides: who sends no more answers has no use for what is still to be written.

        Left to itself the transport would first wait until all of that is read, which may be never.
        """
        self.abort(ConnectionResetError("The Runtime API closed the connection"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who still waits."""
        self.closed = self._ended = True
        if self._end is not None and not self._end.done():
            self._end.set_result(None)
        error = self._error or exc or ConnectionResetError("The Runtime API closed the connection")
        self.resume_writing()
        tell_lost(self._expected, self.listener, error)

    def pause_writing(self) -> None:
        """Note that the socket takes no more."""
        self.paused = True

    def resume_writing(self) -> None:
        """Wake those who wait in `drain()`."""
        self.paused = False
        for waiting in self._waiting_to_write:
            if not waiting.done():  # cancelled
                waiting.set_result(None)
        self._waiting_to_write.clear()
