"""VPC Lattice, event structure version 2: headers and parameters are arrays; never streams.

Source: https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
"""

from types import NoneType
from typing import Any, ClassVar

from everloop.exchange import HttpRequest, ResponseHead
from everloop.sources.balancer import forwarded_request, single_headers, verbatim_query
from everloop.sources.base import Event, EventSource
from everloop.sources.fields import (
    OPTIONAL_OBJECT,
    OPTIONAL_TEXT,
    Shape,
    body_of,
    items,
    malformed,
    raw_mixed_headers,
    text_bytes,
)
from everloop.sources.paths import split_path

_MARKS = ("serviceNetworkArn", "serviceArn", "targetGroupArn")

_SHAPE: Shape = {
    "method": str,
    "path": str,
    "headers": OPTIONAL_OBJECT,
    "queryStringParameters": OPTIONAL_OBJECT,
    "body": OPTIONAL_TEXT,
    "isBase64Encoded": (bool, NoneType),
}


class Lattice(EventSource):
    """A Lattice target group with event structure V2. Who called stands in the event's `requestContext.identity`."""

    name: ClassVar[str] = "lattice"

    def matches(self, event: Event) -> bool:
        """Recognise version 2.0 by the ARNs of the service network; HTTP APIs have an `http` object in their place."""
        context = event.get("requestContext")
        return (
            isinstance(context, dict)
            and event.get("version") == "2.0"
            and "http" not in context
            and any(mark in context for mark in _MARKS)
        )

    def decode(self, event: Event) -> HttpRequest:
        """Give the request."""
        try:
            target, mark, query = event["path"].partition("?")
            path, raw_path = split_path(target)
            return forwarded_request(
                event["method"],
                path,
                raw_path,
                text_bytes(query) if mark else _query(event.get("queryStringParameters")),
                raw_mixed_headers(event.get("headers") or {}),
                body_of(event),
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise malformed(self.name, event, _SHAPE, error, lists=True) from error

    def encode(self, event: Event, head: ResponseHead, body: str, is_base64: bool) -> dict[str, Any]:
        """Give the envelope, which has single-value headers although the request had arrays."""
        return encode_lattice(head, body, is_base64)


def _query(parameters: Any) -> bytes:
    if not parameters:
        return b""
    return verbatim_query(
        (key, value)
        for key, values in parameters.items()
        for value in ((values,) if isinstance(values, str) else items(values))
    )


def encode_lattice(head: ResponseHead, body: str, is_base64: bool) -> dict[str, Any]:
    """Give the envelope that both event structures share."""
    return {
        "statusCode": head.status,
        "headers": single_headers(head),
        "body": body,
        "isBase64Encoded": is_base64,
    }
