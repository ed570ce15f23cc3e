"""A `Lambda` that answers as it is told, and an ASGI server's side of a request, for tests of the gateway alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from everloop.dev.calls import Call, CallFailed, ResponseBegun
from everloop.dev.journal import Journal, Record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Step = bytes | CallFailed | asyncio.Event
"""A piece of the body; the failure that ends it; something to wait for first."""


class ScriptedLambda:
    """Answers every call with the same steps. The steps before the first piece decide when the response begins."""

    def __init__(self, *steps: Step, content_type: str = "application/json") -> None:
        self.steps = steps
        self.content_type = content_type
        self.journal = Journal()
        self.calls: list[Call] = []
        self.executions: list[ScriptedExecution] = []

    async def call(self, call: Call) -> ScriptedExecution:
        self.calls.append(call)
        record = self.journal.open(call.request_id or "id-1", source=call.source, label=call.label, event=call.payload)
        execution = ScriptedExecution(list(self.steps), self.content_type, record, call)
        self.executions.append(execution)
        return execution


class ScriptedExecution:
    """One call on its way."""

    def __init__(self, steps: list[Step], content_type: str, record: Record, call: Call) -> None:
        self._call = call
        self._steps = steps
        self._content_type = content_type
        self.record = record
        self.request_id = record.request_id
        self.abandoned = False
        self.asked = 0
        """How many pieces the reader has asked for."""

    async def begun(self) -> ResponseBegun:
        while self._steps and not isinstance(step := self._steps[0], bytes):
            del self._steps[0]
            if isinstance(step, CallFailed):
                raise step
            await step.wait()
        return ResponseBegun(self._content_type, streamed=True)

    async def body(self) -> AsyncIterator[bytes]:
        while self._steps:
            step = self._steps.pop(0)
            if isinstance(step, asyncio.Event):
                await step.wait()
            elif isinstance(step, CallFailed):
                raise step
            else:
                self.asked += 1
                yield step

    async def payload(self) -> bytes:
        payload = b"".join([piece async for piece in self.body()])
        if self._call.read_status is not None:
            self.record.status = self._call.read_status(payload)
        return payload

    async def finished(self) -> None:
        """Nothing goes on after the answer."""

    def abandon(self) -> None:
        self.abandoned = True
        self.record.client_gone = True


class AsgiClient:
    """What an ASGI server does for one request: hands the body over, takes messages, tells of a client that leaves."""

    def __init__(
        self,
        path: str = "/",
        *,
        method: str = "GET",
        query: str = "",
        headers: list[tuple[str, str]] | None = None,
        body: list[bytes] | None = None,
        **scope: Any,
    ) -> None:
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers or []],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 9000),
            **scope,
        }
        pieces = body or [b""]
        self._incoming = [
            {"type": "http.request", "body": piece, "more_body": index < len(pieces) - 1}
            for index, piece in enumerate(pieces)
        ]
        self.gone = asyncio.Event()
        self.reading = asyncio.Event()
        """Clear: the client does not read, and `send` waits."""
        self.reading.set()
        self.sent: list[dict[str, Any]] = []
        self.unread = self._incoming

    async def receive(self) -> dict[str, Any]:
        if self._incoming:
            return self._incoming.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await self.reading.wait()
        self.sent.append(message)

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode("latin-1") for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def is_complete(self) -> bool:
        return bool(self.sent) and self.sent[-1].get("more_body") is False
