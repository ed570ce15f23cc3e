"""Stand-ins for what a response is written to."""

import asyncio
from typing import TYPE_CHECKING, Any

from everloop.api.reply import ReplyState
from everloop.exchange import ResponseHead
from everloop.report import ErrorReport

if TYPE_CHECKING:
    from collections.abc import Callable


class RecordingSink:
    """Takes a response and keeps what it was told; `paused` may be set, `resume()` ends it."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.paused = False
        self.drains = 0
        self._resumed = asyncio.Event()

    async def drain(self) -> None:
        self.drains += 1
        await self._resumed.wait()

    def resume(self) -> None:
        self.paused = False
        self._resumed.set()

    def start(self, head: ResponseHead, body: bytes, more: bool) -> None:
        self.told.append(("start", head.status, head.headers, body, more))

    def write(self, body: bytes, more: bool) -> None:
        self.told.append(("write", body, more))


class RecordingReply:
    """Takes an invocation's answer as `everloop.api.reply.Reply` does and keeps it."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.paused = False
        self.state = ReplyState.PENDING
        self.habit: object = None
        self.broken = False
        self.on_broken: Callable[[], None] | None = None

    async def drain(self) -> None:
        """Nothing is ever in the way."""

    def complete(self, payload: bytes, content_type: bytes = b"application/json") -> None:
        self.state = ReplyState.COMPLETED
        self.told.append(("complete", payload, content_type))

    def start(self, content_type: bytes, *first: bytes) -> None:
        self.state = ReplyState.STREAMING
        self.told.append(("start", content_type, *first))

    def write(self, data: bytes) -> None:
        self.told.append(("write", data))

    def finish(self, last: bytes = b"") -> None:
        self.state = ReplyState.COMPLETED
        self.told.append(("finish", last))

    def fail(self, report: ErrorReport) -> None:
        self.state = ReplyState.FAILED
        self.told.append(("fail", report.header_type, report.message))

    def release(self) -> None:
        self.told.append(("release",))
