"""Payload format 1.0, which REST APIs and HTTP APIs share.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from types import NoneType
from typing import Any

from everloop.errors import MalformedEvent
from everloop.exchange import HttpRequest, ResponseHead
from everloop.sources.addresses import client_address, endpoint_of
from everloop.sources.base import Event
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
from everloop.sources.queries import encode_query

_SHAPE: Shape = {
    "httpMethod": str,
    "path": str,
    "headers": OPTIONAL_OBJECT,
    "multiValueHeaders": OPTIONAL_OBJECT,
    "queryStringParameters": OPTIONAL_OBJECT,
    "multiValueQueryStringParameters": OPTIONAL_OBJECT,
    "requestContext": dict,
    "body": OPTIONAL_TEXT,
    "isBase64Encoded": (bool, NoneType),
}


def is_payload1(event: Event) -> bool:
    """Recognise an HTTP event in format 1.0; an authorizer's event has a methodArn, a load balancer's an elb."""
    context = event.get("requestContext")
    return (
        "httpMethod" in event
        and isinstance(context, dict)
        and "elb" not in context
        and ("resource" in event or event.get("version") == "1.0")
        and "methodArn" not in event
        and "routeArn" not in event
    )


def decode_payload1(source: str, event: Event, path: str, raw_path: bytes, root_path: str) -> HttpRequest:
    """Read what is the same for both sources; they differ in where the stage is. The query was decoded by AWS."""
    try:
        context = event["requestContext"]
        multi = event.get("multiValueHeaders")
        pairs = raw_multi_headers(multi) if multi else raw_headers(event.get("headers") or {})
        scheme, server = endpoint_of(dict(pairs), context.get("domainName"))
        identity = context.get("identity")
        return HttpRequest(
            method=event["httpMethod"].upper(),
            path=path,
            raw_path=raw_path,
            root_path=root_path,
            query_string=query_of(event),
            headers=pairs,
            client=client_address(identity.get("sourceIp") if isinstance(identity, dict) else None),
            server=server,
            scheme=scheme,
            body=body_of(event),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise malformed_payload1(source, event, error) from error


def malformed_payload1(source: str, event: Event, error: Exception) -> MalformedEvent:
    """Name the field that is wrong."""
    return malformed(source, event, _SHAPE, error)


def query_of(event: Event) -> bytes:
    """Give the query string out of parameters that AWS has decoded."""
    if multi := event.get("multiValueQueryStringParameters"):
        return encode_query((key, value) for key, values in multi.items() for value in items(values))
    if single := event.get("queryStringParameters"):
        return encode_query(single.items())
    return b""


def encode_payload1(head: ResponseHead) -> dict[str, Any]:
    """Give status and headers: those that came once in `headers`, repeated ones in `multiValueHeaders`."""
    headers: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    for name, value in head.headers:
        if name in repeated:
            repeated[name].append(value)
        elif name in headers:
            repeated[name] = [headers.pop(name), value]
        else:
            headers[name] = value
    envelope: dict[str, Any] = {"statusCode": head.status, "headers": headers}
    if repeated:
        envelope["multiValueHeaders"] = repeated
    return envelope
