"""Small events of HTTP sources for tests that are about something else than the event."""

import base64
from collections.abc import Mapping
from typing import Any

HOST = "abcdefghij0123456789.lambda-url.eu-central-1.on.aws"


def function_url(
    path: str = "/",
    *,
    method: str = "GET",
    query: str = "",
    headers: Mapping[str, str] | None = None,
    body: str | bytes | None = None,
) -> dict[str, Any]:
    """A Function URL's event; a body of bytes is sent in base64, as Lambda does with binary ones."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {
            "host": HOST,
            "x-forwarded-for": "192.0.2.44",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            **(headers or {}),
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": HOST.partition(".")[0],
            "domainName": HOST,
            "domainPrefix": HOST.partition(".")[0],
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.44",
                "userAgent": "test",
            },
            "requestId": "2f2b2f0e-0000-4000-8000-000000000000",
            "routeKey": "$default",
            "stage": "$default",
            "time": "23/Nov/2026:20:00:00 +0000",
            "timeEpoch": 1795464000000,
        },
        "isBase64Encoded": isinstance(body, bytes),
    }
    if body is not None:
        event["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return event


def rest(path: str = "/", *, method: str = "GET", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An API Gateway REST event."""
    named = {"Host": "abc123.execute-api.eu-central-1.amazonaws.com", "X-Forwarded-Proto": "https", **(headers or {})}
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": named,
        "multiValueHeaders": {name: [value] for name, value in named.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": "abc123.execute-api.eu-central-1.amazonaws.com",
            "httpMethod": method,
            "identity": {"sourceIp": "192.0.2.44", "userAgent": "test"},
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "body": None,
        "isBase64Encoded": False,
    }


def http_api(path: str = "/", *, method: str = "GET") -> dict[str, Any]:
    """An API Gateway HTTP API event, payload 2.0: a source that cannot stream."""
    event = function_url(path, method=method)
    host = "abc123.execute-api.eu-central-1.amazonaws.com"
    event["headers"]["host"] = host
    event["requestContext"] |= {"domainName": host, "domainPrefix": "abc123", "apiId": "abc123"}
    return event
