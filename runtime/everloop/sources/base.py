"""What an event source is: one AWS trigger translated to HTTP and back."""

from typing import Any, ClassVar, Protocol

from everloop.exchange import HttpRequest, ResponseHead

Event = dict[str, Any]


class EventSource(Protocol):
    """Translates one AWS trigger. Stateless and pure; one instance serves all invocations side by side."""

    name: ClassVar[str]
    """How logs and error messages call it."""

    streams: ClassVar[bool]
    """Whether the trigger can take a streamed response; then `prelude` is asked for."""

    def matches(self, event: Event) -> bool:
        """Recognise an event by its own marks, never by guessing."""

    def decode(self, event: Event) -> HttpRequest:
        """Give the request that the event describes. Raises `MalformedEvent`."""

    def encode(self, event: Event, head: ResponseHead, body: str, is_base64: bool) -> dict[str, Any]:
        """Give the envelope of a buffered response to `event`."""

    def prelude(self, head: ResponseHead) -> dict[str, Any]:
        """Give the JSON object that begins a streamed response."""
