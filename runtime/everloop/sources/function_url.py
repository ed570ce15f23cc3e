"""Lambda Function URLs: payload 2.0 with a path that is still percent-encoded; can stream.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from typing import Any, ClassVar

from everloop.exchange import HttpRequest, ResponseHead
from everloop.sources.base import Event, EventSource
from everloop.sources.paths import split_path
from everloop.sources.payload2 import decode_payload2, domain_of, encode_payload2, malformed_payload2


class FunctionUrl(EventSource):
    """A Function URL in either invoke mode."""

    name: ClassVar[str] = "function-url"
    streams: ClassVar[bool] = True

    def matches(self, event: Event) -> bool:
        """Recognise format 2.0 with a lambda-url domain."""
        domain = domain_of(event)
        return domain is not None and ".lambda-url." in domain

    def decode(self, event: Event) -> HttpRequest:
        """Give the request; `rawPath` is as the client sent it."""
        try:
            path, raw_path = split_path(event["rawPath"])
        except (KeyError, TypeError) as error:
            raise malformed_payload2(self.name, event, error) from error
        return decode_payload2(self.name, event, path, raw_path, "")

    def encode(self, event: Event, head: ResponseHead, body: str, is_base64: bool) -> dict[str, Any]:
        """Give the envelope."""
        envelope = encode_payload2(head)
        envelope["body"] = body
        envelope["isBase64Encoded"] = is_base64
        return envelope

    def prelude(self, head: ResponseHead) -> dict[str, Any]:
        """Give statusCode, headers and cookies."""
        return encode_payload2(head)
