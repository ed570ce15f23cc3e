"""Application Load Balancers, with single-value or multi-value headers: never stream.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

from types import NoneType
from typing import Any, ClassVar

from everloop.exchange import HttpRequest, RawHeaders, ResponseHead
from everloop.sources.balancer import forwarded_request, multi_headers, single_headers, verbatim_query
from everloop.sources.base import Event, EventSource
from everloop.sources.fields import (
    OPTIONAL_OBJECT,
    OPTIONAL_TEXT,
    Shape,
    body_of,
    items,
    malformed,
    raw_headers,
    raw_multi_headers,
)
from everloop.sources.paths import split_path
from everloop.sources.statuses import description

RESPONSE_LIMIT = 1_000_000
"""Bytes. AWS says 1 MB and not which one; a response over it is answered 502 (LambdaResponseTooLarge)."""

_SHAPE: Shape = {
    "httpMethod": str,
    "path": str,
    "headers": OPTIONAL_OBJECT,
    "multiValueHeaders": OPTIONAL_OBJECT,
    "queryStringParameters": OPTIONAL_OBJECT,
    "multiValueQueryStringParameters": OPTIONAL_OBJECT,
    "body": OPTIONAL_TEXT,
    "isBase64Encoded": (bool, NoneType),
}


def is_load_balancers(event: Event) -> bool:
    """Recognise a load balancer's event by its own mark."""
    context = event.get("requestContext")
    return isinstance(context, dict) and "elb" in context


class LoadBalancer(EventSource):
    """A target group without multi-value headers: of a repeated header or parameter the last value comes."""

    name: ClassVar[str] = "alb"
    response_limit: ClassVar[int | None] = RESPONSE_LIMIT

    def matches(self, event: Event) -> bool:
        """Recognise a load balancer's event without `multiValueHeaders`."""
        return is_load_balancers(event) and event.get("multiValueHeaders") is None

    def decode(self, event: Event) -> HttpRequest:
        """Give the request."""
        try:
            query = event.get("queryStringParameters")
            return _request(
                event, raw_headers(event.get("headers") or {}), verbatim_query(query.items()) if query else b""
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise malformed(self.name, event, _SHAPE, error) from error

    def encode(self, event: Event, head: ResponseHead, body: str, is_base64: bool) -> dict[str, Any]:
        """Give the envelope with `headers`."""
        return {
            "statusCode": head.status,
            "statusDescription": description(head.status),
            "headers": single_headers(head),
            "body": body,
            "isBase64Encoded": is_base64,
        }


class LoadBalancerMulti(EventSource):
    """A target group with multi-value headers (`lambda.multi_value_headers.enabled`)."""

    name: ClassVar[str] = "alb-multi"
    response_limit: ClassVar[int | None] = RESPONSE_LIMIT

    def matches(self, event: Event) -> bool:
        """Recognise a load balancer's event with `multiValueHeaders`."""
        return is_load_balancers(event) and event.get("multiValueHeaders") is not None

    def decode(self, event: Event) -> HttpRequest:
        """Give the request."""
        try:
            query = event.get("multiValueQueryStringParameters")
            return _request(
                event,
                raw_multi_headers(event["multiValueHeaders"]),
                verbatim_query((key, value) for key, values in query.items() for value in items(values))
                if query
                else b"",
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise malformed(self.name, event, _SHAPE, error) from error

    def encode(self, event: Event, head: ResponseHead, body: str, is_base64: bool) -> dict[str, Any]:
        """Give the envelope with `multiValueHeaders`: the balancer reads no others in this mode."""
        return {
            "statusCode": head.status,
            "statusDescription": description(head.status),
            "multiValueHeaders": multi_headers(head),
            "body": body,
            "isBase64Encoded": is_base64,
        }


def _request(event: Event, headers: RawHeaders, query_string: bytes) -> HttpRequest:
    """Make the request. The path is still encoded and so is the query, which the balancer does not touch."""
    path, raw_path = split_path(event["path"])
    return forwarded_request(event["httpMethod"], path, raw_path, query_string, headers, body_of(event))
