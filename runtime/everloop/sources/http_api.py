"""API Gateway HTTP APIs, payload 2.0: the path comes decoded; never streams."""

from typing import Any, ClassVar

from everloop.exchange import HttpRequest, ResponseHead
from everloop.sources.base import Event, EventSource
from everloop.sources.paths import encode_path, stage_of
from everloop.sources.payload2 import decode_payload2, domain_of, encode_payload2, malformed_payload2


class HttpApi(EventSource):
    """An HTTP API with payload format 2.0."""

    name: ClassVar[str] = "http-api"

    def matches(self, event: Event) -> bool:
        """Recognise format 2.0 with any domain but a lambda-url one."""
        domain = domain_of(event)
        return domain is not None and ".lambda-url." not in domain

    def decode(self, event: Event) -> HttpRequest:
        """Give the request. API Gateway has decoded `rawPath`, so it is taken as it is; a named stage begins it."""
        try:
            raw_path = encode_path(event["rawPath"]) or b"/"
            path = event["rawPath"] or "/"
        except (KeyError, TypeError) as error:
            raise malformed_payload2(self.name, event, error) from error
        root_path = stage_of(path, event["requestContext"].get("stage"))
        return decode_payload2(self.name, event, path, raw_path, root_path)

    def encode(self, event: Event, head: ResponseHead, body: str, is_base64: bool) -> dict[str, Any]:
        """Give the envelope."""
        envelope = encode_payload2(head)
        envelope["body"] = body
        envelope["isBase64Encoded"] = is_base64
        return envelope
