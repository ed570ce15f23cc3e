"""VPC Lattice, event structure version 1: repeated headers come joined; never streams.

Source: https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
"""

from types import NoneType
from typing import Any, ClassVar

from everloop.exchange import HttpRequest, ResponseHead
from everloop.sources.balancer import forwarded_request, verbatim_query
from everloop.sources.base import Event, EventSource
from everloop.sources.fields import (
    OPTIONAL_OBJECT,
    OPTIONAL_TEXT,
    Shape,
    body_of,
    malformed,
    raw_headers,
    text_bytes,
)
from everloop.sources.lattice import encode_lattice
from everloop.sources.paths import split_path

_SHAPE: Shape = {
    "method": str,
    "raw_path": str,
    "headers": dict,
    "query_string_parameters": OPTIONAL_OBJECT,
    "body": OPTIONAL_TEXT,
    "is_base64_encoded": (bool, NoneType),
}


class Lattice1(EventSource):
    """A Lattice target group with event structure V1."""

    name: ClassVar[str] = "lattice-1"

    def matches(self, event: Event) -> bool:
        """Recognise the spelling of this one structure: no other source writes its fields with underscores."""
        return (
            "raw_path" in event
            and "method" in event
            and "headers" in event
            and "is_base64_encoded" in event
            and "requestContext" not in event
        )

    def decode(self, event: Event) -> HttpRequest:
        """Give the request. Lattice keeps the query in the path; the parameters have the last value of each only."""
        try:
            target, mark, query = event["raw_path"].partition("?")
            path, raw_path = split_path(target)
            parameters = event.get("query_string_parameters") or {}
            query_string = text_bytes(query) if mark else verbatim_query(parameters.items())
            return forwarded_request(
                event["method"],
                path,
                raw_path,
                query_string,
                raw_headers(event["headers"]),
                body_of(event, "is_base64_encoded"),
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise malformed(self.name, event, _SHAPE, error) from error

    def encode(self, event: Event, head: ResponseHead, body: str, is_base64: bool) -> dict[str, Any]:
        """Give the envelope."""
        return encode_lattice(head, body, is_base64)
