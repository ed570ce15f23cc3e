"""API Gateway REST APIs: payload 1.0; can stream.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
"""

from typing import Any, ClassVar

from everloop.exchange import HttpRequest, ResponseHead
from everloop.sources.base import Event, EventSource
from everloop.sources.paths import split_path
from everloop.sources.payload1 import decode_payload1, encode_payload1, is_payload1, malformed_payload1


class RestApi(EventSource):
    """A REST API, whatever its integration's response transfer mode."""

    name: ClassVar[str] = "rest"
    streams: ClassVar[bool] = True

    def matches(self, event: Event) -> bool:
        """Recognise format 1.0 without a version field, which only HTTP APIs send."""
        return "version" not in event and is_payload1(event)

    def decode(self, event: Event) -> HttpRequest:
        """Give the request. `path` lacks the stage; where the client's URL has it, `requestContext.path` shows it."""
        try:
            path, raw_path = split_path(event["path"])
            event_path = event["path"] or "/"
            stage = event["requestContext"].get("stage")
            whole = event["requestContext"].get("path")
            root_path = ""
            if isinstance(stage, str) and (
                whole == f"/{stage}{event_path}" or (event_path == "/" and whole == f"/{stage}")
            ):
                root_path, raw_root = split_path(f"/{stage}")
                path, raw_path = root_path + path, raw_root + raw_path
        except (KeyError, TypeError) as error:
            raise malformed_payload1(self.name, event, error) from error
        return decode_payload1(self.name, event, path, raw_path, root_path)

    def encode(self, event: Event, head: ResponseHead, body: str, is_base64: bool) -> dict[str, Any]:
        """Give the envelope."""
        envelope = encode_payload1(head)
        envelope["body"] = body
        envelope["isBase64Encoded"] = is_base64
        return envelope

    def prelude(self, head: ResponseHead) -> dict[str, Any]:
        """Give statusCode, headers and multiValueHeaders."""
        return encode_payload1(head)
