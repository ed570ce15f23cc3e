"""What an event source is: one AWS trigger translated to HTTP and back."""

from typing import Any, ClassVar, Protocol

from everloop.exchange import HttpRequest, ResponseHead

Event = dict[str, Any]


class EventSource(Protocol):
    """Translates one AWS trigger. Stateless and pure; one instance serves all invocations side by side.

    Sources of the user's own (EVERLOOP_SOURCES) inherit from it and write `name`, `matches`, `decode` and `encode`.
    """

    name: ClassVar[str]
    """How logs and error messages call it."""

    streams: ClassVar[bool] = False
    """Whether the trigger can take a streamed response; then `prelude` is asked for."""

    response_limit: ClassVar[int | None] = None
    """Bytes of JSON that the trigger takes, where that is less than Lambda does: over it, a warning says so."""

    def matches(self, event: Event) -> bool:
        """Recognise an event by its own marks, never by guessing."""

    def decode(self, event: Event) -> HttpRequest:
        """Give the request that the event describes. Raises `MalformedEvent`."""

    def encode(self, event: Event, head: ResponseHead, body: str, is_base64: bool) -> dict[str, Any]:
        """Give the envelope of a buffered response to `event`: what `orjson` can write, usually a dict."""

    def prelude(self, head: ResponseHead) -> dict[str, Any]:
        """Give the JSON object that begins a streamed response. Never asked for where `streams` is false."""
        asked_for = f"{self.name} does not stream {head}"
        raise NotImplementedError(asked_for)
