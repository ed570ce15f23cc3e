"""The right to answer one invocation, for use in a thread."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from everloop.api.reply import Reply, ReplyState
from everloop.errors import ClientDisconnected
from everloop.report import ErrorReport


class RemoteReply(Reply):
    """A reply for use in a thread: what it is told is done on the loop, and it waits while Lambda does not read."""

    __slots__ = ("_loop", "_loop_thread", "_real")

    def __init__(self, real: Reply, loop: asyncio.AbstractEventLoop) -> None:
        self._real = real
        self._loop = loop
        self._loop_thread = threading.get_ident()
        self.cut = False
        """True when the invocation is answered without the thread: what it still sends raises `ClientDisconnected`."""
        self.invocation = real.invocation
        self.on_broken = None
        real.on_broken = self._broke

    def __repr__(self) -> str:
        return f"<RemoteReply of {self._real!r}>"

    @property
    def state(self) -> ReplyState:  # type: ignore[override]
        """Where the answer has got to."""
        return self._real.state

    @property
    def paused(self) -> bool:
        """True on the loop while the Runtime API does not read; a thread has waited already."""
        return threading.get_ident() == self._loop_thread and self._real.paused

    @property
    def broken(self) -> bool:
        """True when what is written reaches nobody."""
        return self.cut or self._real.broken

    def cut_off(self) -> None:
        """Let who sends fail at the next piece, and tell who does not send: the invocation is answered without it."""
        self.cut = True
        self._broke()

    def _broke(self) -> None:
        if self.on_broken is not None:
            self.on_broken()

    async def drain(self) -> None:
        """Wait, on the loop, until the Runtime API reads again."""
        await self._real.drain()

    def complete(self, payload: bytes, content_type: bytes = b"application/json") -> None:
        """Send a whole, buffered response."""
        self._do(self._real.complete, payload, content_type)

    def start(self, content_type: bytes, *first: bytes) -> None:
        """Begin a streamed response."""
        self._do(self._real.start, content_type, *first)

    def write(self, data: bytes) -> None:
        """Send one chunk of a streamed response."""
        self._do(self._real.write, data)

    def finish(self, last: bytes = b"") -> None:
        """Send the last chunk and the end."""
        self._do(self._real.finish, last)

    def fail(self, report: ErrorReport) -> None:
        """Tell Lambda that the invocation failed."""
        self._do(self._real.fail, report)

    def release(self) -> None:
        """Do nothing: the slot polls when the task of the invocation is done."""

    def _do(self, step: Callable[..., None], *arguments: Any) -> None:
        if self.cut:
            raise ClientDisconnected("The invocation was answered without this thread: its deadline had come")
        if self._real.broken:
            raise ClientDisconnected("The response can no longer be delivered")
        if threading.get_ident() == self._loop_thread:
            step(*arguments)
            return
        future = asyncio.run_coroutine_threadsafe(self._take(step, arguments), self._loop)
        future.result()

    async def _take(self, step: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        step(*arguments)
        if self._real.paused:
            await self._real.drain()
