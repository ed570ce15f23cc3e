"""API Gateway HTTP APIs with payload 1.0; never stream."""

from typing import Any, ClassVar

from everloop.exchange import HttpRequest, ResponseHead
from everloop.sources.base import Event, EventSource
from everloop.sources.paths import split_path, stage_of
from everloop.sources.payload1 import decode_payload1, encode_payload1, is_payload1, malformed_payload1


class HttpApi1(EventSource):
    """An HTTP API with payload format 1.0."""

    name: ClassVar[str] = "http-api-1.0"

    def matches(self, event: Event) -> bool:
        """Recognise format 1.0 by its version field."""
        return event.get("version") == "1.0" and is_payload1(event)

    def decode(self, event: Event) -> HttpRequest:
        """Give the request; as in payload 2.0 of the same API a named stage begins the path."""
        try:
            path, raw_path = split_path(event["path"])
        except (KeyError, TypeError) as error:
            raise malformed_payload1(self.name, event, error) from error
        root_path = stage_of(path, event["requestContext"].get("stage"))
        return decode_payload1(self.name, event, path, raw_path, root_path)

    def encode(self, event: Event, head: ResponseHead, body: str, is_base64: bool) -> dict[str, Any]:
        """Give the envelope."""
        envelope = encode_payload1(head)
        envelope["body"] = body
        envelope["isBase64Encoded"] = is_base64
        return envelope
