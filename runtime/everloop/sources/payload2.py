"""Payload format 2.0, which Function URLs and HTTP APIs share.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from types import NoneType
from typing import Any

from everloop.errors import MalformedEvent
from everloop.exchange import HttpRequest, RawHeaders, ResponseHead
from everloop.sources.addresses import client_address, endpoint
from everloop.sources.base import Event
from everloop.sources.fields import (
    OPTIONAL_LIST,
    OPTIONAL_OBJECT,
    OPTIONAL_TEXT,
    Shape,
    body_of,
    header_value,
    items,
    malformed,
    raw_headers,
    text_bytes,
)

_SHAPE: Shape = {
    "rawPath": str,
    "rawQueryString": OPTIONAL_TEXT,
    "headers": OPTIONAL_OBJECT,
    "cookies": OPTIONAL_LIST,
    "requestContext": dict,
    "requestContext.http": dict,
    "requestContext.http.method": str,
    "body": OPTIONAL_TEXT,
    "isBase64Encoded": (bool, NoneType),
}


def domain_of(event: Event) -> str | None:
    """Give the domain of an HTTP event in format 2.0, and None for any other; an authorizer's has a routeArn as well.

    It is what tells a Function URL from an HTTP API, whose events are the same otherwise.
    """
    if event.get("version") != "2.0" or "routeArn" in event:
        return None
    context = event.get("requestContext")
    if not isinstance(context, dict) or "http" not in context:
        return None
    domain = context.get("domainName")
    return domain if isinstance(domain, str) else ""


def decode_payload2(source: str, event: Event, path: str, raw_path: bytes, root_path: str) -> HttpRequest:
    """Read what is the same for both sources; they differ in their paths."""
    try:
        context = event["requestContext"]
        http = context["http"]
        headers = event.get("headers") or {}
        pairs = raw_headers(headers)
        if cookies := event.get("cookies"):
            if "cookie" in headers or "Cookie" in headers:
                _complete_cookies(pairs, items(cookies))
            else:
                pairs.append((b"cookie", header_value("; ".join(items(cookies)))))
        if "host" not in headers:
            # AWS sends lower case; emulators and tests by hand may not.
            headers = {name.lower(): value for name, value in headers.items()}
        get = headers.get
        domain = context.get("domainName")
        scheme, server = endpoint(
            get("host"),
            domain if isinstance(domain, str) else None,
            get("x-forwarded-proto"),
            get("x-forwarded-port"),
        )
        return HttpRequest(
            http["method"].upper(),
            path,
            raw_path,
            pairs,
            root_path,
            text_bytes(query) if (query := event.get("rawQueryString")) else b"",
            client_address(http.get("sourceIp")),
            server,
            scheme,
            body_of(event) if "body" in event else b"",
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise malformed_payload2(source, event, error) from error


def malformed_payload2(source: str, event: Event, error: Exception) -> MalformedEvent:
    """Name the field that is wrong."""
    return malformed(source, event, _SHAPE, error)


def _complete_cookies(headers: RawHeaders, cookies: list[Any]) -> None:
    """Add to the cookie header what only the `cookies` list has: Function URLs may send the same cookies in both."""
    for index, (name, value) in enumerate(headers):
        if name == b"cookie":
            known = {part.strip() for part in value.split(b";")}
            listed = [header_value(cookie) for cookie in cookies]
            headers[index] = (name, b"; ".join([value, *(one for one in listed if one.strip() not in known)]))
            return


def encode_payload2(head: ResponseHead) -> dict[str, Any]:
    """Give status, headers and cookies: repeated headers joined by a comma, each set-cookie in `cookies`."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in head.headers:
        if name == "set-cookie":
            cookies.append(value)
        elif name in headers:
            headers[name] = f"{headers[name]},{value}"
        else:
            headers[name] = value
    envelope: dict[str, Any] = {"statusCode": head.status, "headers": headers}
    if cookies:
        envelope["cookies"] = cookies
    return envelope
