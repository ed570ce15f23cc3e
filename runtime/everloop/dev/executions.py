"""One call on its way through the emulator: what its caller sees, and what its environment tells."""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator

from everloop.dev.bandwidth import TokenBucket
from everloop.dev.calls import Call, CallFailed, Failure, ResponseBegun
from everloop.dev.http_server import HttpConnection
from everloop.dev.journal import KEPT_BYTES, Journal, Record

HIGH_WATER = 512 * 1024
"""Bytes that may wait for a streaming call's reader; then the runtime is read no more."""
LOW_WATER = 128 * 1024
"""Bytes at which the runtime is read again."""


class Work:
    """An `Execution`. Its environment calls `begin`, `piece`, `complete` and `fail`; its caller the rest."""

    def __init__(self, call: Call, record: Record, journal: Journal, bucket: TokenBucket | None) -> None:
        self.call = call
        self.record = record
        self.invocation_id = ""
        """Which attempt this is: `Lambda-Runtime-Invocation-Id`."""
        self.responding = False
        """True once the runtime has begun to answer."""
        self.done = False
        """True once the caller's outcome is known."""
        self.answered = False
        """True once the runtime may say no more about it."""
        self.deadline_ms = 0
        self.timer: asyncio.TimerHandle | None = None
        """Ends it when the function's timeout has passed."""
        self._journal = journal
        self._bucket = bucket
        self._begun: ResponseBegun | None = None
        self._failure: CallFailed | None = None
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._waiters: list[asyncio.Future[None]] = []
        self._source: HttpConnection | None = None
        self._paused = False
        self._abandoned = False
        self._finished: asyncio.Future[None] | None = None

    # What the caller sees.

    @property
    def request_id(self) -> str:
        """`Lambda-Runtime-Aws-Request-Id`."""
        return self.record.request_id

    async def begun(self) -> ResponseBegun:
        """See `Execution`."""
        while True:
            if self._failure is not None and not self._pieces:
                raise self._failure
            if self._begun is not None and (self.call.streaming or self.done):
                return self._begun
            await self._change()

    async def body(self) -> AsyncIterator[bytes]:
        """See `Execution`."""
        await self.begun()
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                if self._bucket is not None and (wait := self._bucket.take(len(piece))):
                    await asyncio.sleep(wait)
                self._waiting_bytes -= len(piece)
                if self._paused and self._waiting_bytes <= LOW_WATER:
                    self._read_on()
                yield piece
            if self._failure is not None:
                raise self._failure
            if self.done:
                return
            await self._change()

    async def payload(self) -> bytes:
        """See `Execution`."""
        if self.call.streaming:
            return b"".join([piece async for piece in self.body()])
        await self.begun()
        if self._failure is not None:
            raise self._failure
        if len(self._pieces) != 1:
            self._pieces = deque((b"".join(self._pieces),))
        return self._pieces[0]

    def abandon(self) -> None:
        """See `Execution`."""
        if self.done and not self._pieces:
            return
        self._abandoned = True
        self.record.client_gone = True
        self._pieces.clear()
        self._waiting_bytes = 0
        if self._paused:
            self._read_on()
        self._wake()
        self._journal.changed(self.record)

    async def finished(self) -> None:
        """Wait until the runtime polls again, or its environment ends: background work included."""
        if self.record.finished_at is None:
            if self._finished is None:
                self._finished = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._finished)

    async def _change(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _read_on(self) -> None:
        self._paused = False
        if self._source is not None:
            self._source.resume()

    # What the environment tells.

    def begin(self, content_type: str, streamed: bool, source: HttpConnection) -> None:
        """The head of a response has come."""
        self.responding = True
        self._source = source
        self._begun = ResponseBegun(content_type, streamed)
        self.record.response_mode = "streaming" if streamed else "buffered"
        self.record.content_type = content_type
        if self.call.streaming:
            self._wake()
            self._journal.changed(self.record)

    def piece(self, data: bytes) -> None:
        """More of the body has come."""
        record = self.record
        record.came(len(data))
        if len(record.response) < KEPT_BYTES:
            record.response += data[: KEPT_BYTES - len(record.response)]
        if self.call.streaming:
            self._journal.changed(record)
        if self.done or self._abandoned:
            return
        self._pieces.append(data)
        self._waiting_bytes += len(data)
        if self.call.streaming:
            if self._waiting_bytes >= HIGH_WATER and not self._paused and self._source is not None:
                self._paused = True
                self._source.pause()
            self._wake()

    def complete(self) -> None:
        """The response is whole."""
        self.record.responded_at = time.time()
        if self.call.read_status is not None and not self.call.streaming:
            self.record.status = self.call.read_status(b"".join(self._pieces))
        self._settle()

    def fail(self, kind: Failure, error_type: str, payload: bytes) -> None:
        """The call fails; for a caller that has its whole response already, only the journal is told."""
        record = self.record
        if record.failure is not None:  # what came of it is known; how its environment ended then is another story
            return
        record.failure, record.error_type, record.error = kind, error_type, payload
        if not self.done:
            self._failure = CallFailed(kind, error_type, payload)
            if not self.call.streaming:
                self._pieces.clear()
        self._settle()

    def fail_with(self, kind: Failure, error_type: str, message: str) -> None:
        """Fail with an error of the platform's own, worded as Lambda does."""
        text = f"RequestId: {self.request_id} Error: {message}"
        self.fail(kind, error_type, json.dumps({"errorType": error_type, "errorMessage": text}).encode())

    def finish(self, memory_mb: float | None) -> None:
        """Nothing more comes of it."""
        if self.record.finished_at is None:
            self.record.finished_at = time.time()
            self.record.memory_mb = memory_mb
            if self._finished is not None and not self._finished.done():
                self._finished.set_result(None)
            self._journal.changed(self.record)

    def stop_clock(self) -> None:
        """Its time counts no more."""
        if self.timer is not None:
            self.timer.cancel()

    def _settle(self) -> None:
        self.done = True
        if self._paused:
            self._read_on()
        self._wake()
        self._journal.changed(self.record)
