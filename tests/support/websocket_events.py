"""The events of one WebSocket connection, in the order in which API Gateway sends them."""

from typing import Any

from support.payloads import payload

DOMAIN = "k1l2m3n4o5.execute-api.eu-west-1.amazonaws.com"


def connect(connection_id: str = "conn-1=", query: dict[str, str] | None = None, **headers: str) -> dict[str, Any]:
    """The handshake: a query and headers of the test's own."""
    event = payload("websocket", "connect_plain").event
    event["requestContext"]["connectionId"] = connection_id
    for name, value in headers.items():
        event["headers"][name.replace("_", "-")] = value
        event["multiValueHeaders"][name.replace("_", "-")] = [value]
    if query:
        event["queryStringParameters"] = query
        event["multiValueQueryStringParameters"] = {name: [value] for name, value in query.items()}
    return event


def message(text: str, connection_id: str = "conn-1=") -> dict[str, Any]:
    """A text frame."""
    event = payload("websocket", "message").event
    event["requestContext"]["connectionId"] = connection_id
    event["body"] = text
    return event


def disconnect(connection_id: str = "conn-1=", code: int = 1001, reason: str = "Going away") -> dict[str, Any]:
    """The end."""
    event = payload("websocket", "disconnect").event
    event["requestContext"] |= {
        "connectionId": connection_id,
        "disconnectStatusCode": code,
        "disconnectReason": reason,
    }
    return event
