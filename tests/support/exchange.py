"""One invocation as the outside sees it: the event that went in, the POST that came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from support.answers import Answer, Plan
    from support.recording import Chunk, Request
    from support.scripted_api import ScriptedRuntimeApi


class Exchange:
    """What `ScriptedRuntimeApi.invoke` gives: wait for the answer, then look at it."""

    def __init__(
        self,
        api: ScriptedRuntimeApi,
        request_id: str,
        event: bytes,
        timeout: float,
        headers: dict[str, str | None],
        answer: Plan | None,
        delivery: Answer | None,
    ) -> None:
        self.request_id = request_id
        self.event = event
        self.timeout = timeout
        self.headers = headers
        self.answer = answer
        self.delivery = delivery
        self.requests: list[Request] = []
        self.delivered_to: Request | None = None
        self.delivered_at = 0.0
        self._api = api

    # Waiting.

    def wait(self, timeout: float = 10.0) -> Self:
        """Wait until the runtime's POST is complete, or its connection broken."""
        self._wait(lambda: bool(self.requests) and (self.request.complete or self.request.broken), "an answer", timeout)
        return self

    def wait_for_head(self, timeout: float = 10.0) -> Self:
        """Wait until the head of the runtime's POST has come."""
        self._wait(lambda: bool(self.requests), "the head of an answer", timeout)
        return self

    def wait_for_size(self, size: int, timeout: float = 10.0) -> Self:
        """Wait until so many bytes of the answer's body have come."""
        self._wait(lambda: bool(self.requests) and self.request.size >= size, f"{size} bytes of answer", timeout)
        return self

    def wait_for_bytes(self, data: bytes, timeout: float = 10.0) -> Self:
        """Wait until these bytes are in the answer's body."""
        self._wait(lambda: bool(self.requests) and data in self.request.content, f"{data!r} in the answer", timeout)
        return self

    def wait_for_delivery(self, timeout: float = 10.0) -> Self:
        """Wait until a poll has taken the event."""
        self._wait(lambda: self.delivered_to is not None, "a poll that takes the event", timeout)
        return self

    def _wait(self, met: Any, what: str, timeout: float) -> None:
        self._api.wait_for(met, f"invocation {self.request_id}: {what}", timeout)

    # The answer.

    @property
    def request(self) -> Request:
        """The runtime's one POST for this invocation."""
        assert len(self.requests) == 1, f"{len(self.requests)} answers to one invocation:\n{self._api.describe()}"
        return self.requests[0]

    @property
    def kind(self) -> str:
        """`response` or `error`."""
        return self.request.endpoint

    @property
    def head(self) -> bytes:
        return self.request.head

    @property
    def raw(self) -> bytes:
        return self.request.raw

    @property
    def body(self) -> bytes:
        return self.request.body

    @property
    def chunks(self) -> list[Chunk]:
        return self.request.chunks

    @property
    def trailers(self) -> dict[str, str]:
        return self.request.trailers

    def response(self, timeout: float = 10.0) -> Any:
        """Wait for a buffered response; gives its JSON."""
        self.wait(timeout)
        assert self.kind == "response", f"an error instead of a response: {self.body!r}"
        return self.request.json()

    def error(self, timeout: float = 10.0) -> Any:
        """Wait for an invocation error; gives its JSON."""
        self.wait(timeout)
        assert self.kind == "error", f"a response instead of an error: {self.body!r}"
        return self.request.json()
