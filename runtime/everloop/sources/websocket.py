"""API Gateway WebSocket APIs: every frame is an event of its own, and only the first one knows the handshake.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
"""

from collections.abc import Iterable
from enum import StrEnum
from types import NoneType
from typing import Any, ClassVar

from everloop.errors import MalformedEvent
from everloop.exchange import Handshake
from everloop.sources.addresses import client_address, endpoint_of
from everloop.sources.base import Event
from everloop.sources.fields import (
    OPTIONAL_OBJECT,
    OPTIONAL_TEXT,
    Shape,
    body_of,
    malformed,
    raw_headers,
    raw_multi_headers,
)
from everloop.sources.payload1 import query_of


class FrameKind(StrEnum):
    """What `requestContext.eventType` may say."""

    CONNECT = "CONNECT"
    MESSAGE = "MESSAGE"
    DISCONNECT = "DISCONNECT"


_KINDS = tuple(FrameKind)

_KEPT = ("headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters")
_KEPT_CONTEXT = ("connectedAt", "domainName", "identity", "stage")

_SHAPE: Shape = {
    "requestContext": dict,
    "requestContext.connectionId": str,
    "requestContext.domainName": str,
    "requestContext.stage": str,
    "headers": OPTIONAL_OBJECT,
    "multiValueHeaders": OPTIONAL_OBJECT,
    "queryStringParameters": OPTIONAL_OBJECT,
    "multiValueQueryStringParameters": OPTIONAL_OBJECT,
    "body": OPTIONAL_TEXT,
    "isBase64Encoded": (bool, NoneType),
}


class Frame:
    """One event of a connection.

    `data` is a message's text or bytes; `code` and `reason` are a disconnect's (RFC 6455, section 7.4);
    `connected_at` is in seconds since the epoch, 0 where unknown.
    """

    __slots__ = ("code", "connected_at", "connection_id", "data", "domain", "kind", "reason", "stage")

    def __init__(self, kind: FrameKind, connection_id: str, domain: str, stage: str, connected_at: float) -> None:
        self.kind = kind
        self.connection_id = connection_id
        self.domain = domain
        self.stage = stage
        self.connected_at = connected_at
        self.data: str | bytes = ""
        self.code = 1005
        self.reason = ""


class WebSocketApi:
    """A WebSocket API, whatever its routes: the application sees one connection."""

    name: ClassVar[str] = "websocket"
    streams: ClassVar[bool] = False

    def matches(self, event: Event) -> bool:
        """Recognise the three kinds of events that have a connection; an authorizer's of $connect has a methodArn."""
        context = event.get("requestContext")
        return (
            isinstance(context, dict)
            and "connectionId" in context
            and context.get("eventType") in _KINDS
            and "methodArn" not in event
        )

    def decode(self, event: Event) -> Frame:
        """Give the frame that the event is. Raises `MalformedEvent`."""
        try:
            context = event["requestContext"]
            texts = context["connectionId"], context["domainName"], context["stage"]
            if not all(isinstance(one, str) for one in texts):
                raise TypeError("a field of requestContext is no string")
            connected_at = context.get("connectedAt")
            frame = Frame(
                FrameKind(context["eventType"]),
                *texts,
                connected_at / 1000 if isinstance(connected_at, int | float) else 0.0,
            )
            if frame.kind is FrameKind.MESSAGE:
                data = body_of(event)
                frame.data = data if event.get("isBase64Encoded") else data.decode()
            elif frame.kind is FrameKind.DISCONNECT:
                code, reason = context.get("disconnectStatusCode"), context.get("disconnectReason")
                frame.code = code if isinstance(code, int) else 1005
                frame.reason = reason if isinstance(reason, str) else ""
        except (AttributeError, KeyError, TypeError) as error:
            raise _malformed(event, error) from error
        return frame

    def handshake(self, event: Event) -> Handshake:
        """Give the handshake of a $connect event, or of what `kept` left of it. Raises `MalformedEvent`.

        Any other event gives a handshake in which all but the connection's two ends is missing.
        """
        try:
            context = event["requestContext"]
            multi = event.get("multiValueHeaders")
            headers = raw_multi_headers(multi) if multi else raw_headers(event.get("headers") or {})
            scheme, server = endpoint_of(dict(headers), context.get("domainName"))
            identity = context.get("identity")
            return Handshake(
                query_string=query_of(event),
                headers=headers,
                client=client_address(identity.get("sourceIp") if isinstance(identity, dict) else None),
                server=server,
                scheme="ws" if scheme == "http" else "wss",
                subprotocols=[
                    part.strip()
                    for name, value in headers
                    if name == b"sec-websocket-protocol"
                    for part in value.decode("latin-1").split(",")
                    if part.strip()
                ],
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise _malformed(event, error) from error

    def kept(self, event: Event) -> Event:
        """Give the part of a $connect event that later frames need: `handshake` reads it like the event itself."""
        context = event["requestContext"]
        return {name: event[name] for name in _KEPT if event.get(name)} | {
            "requestContext": {name: context[name] for name in _KEPT_CONTEXT if name in context}
        }

    def encode(self, status: int, headers: Iterable[tuple[str, str]] = ()) -> dict[str, Any]:
        """Give the answer to an event. On $connect 200 accepts the handshake, anything but 2xx refuses it."""
        found = dict(headers)
        return {"statusCode": status, "headers": found} if found else {"statusCode": status}


def _malformed(event: Event, error: Exception) -> MalformedEvent:
    return malformed(WebSocketApi.name, event, _SHAPE, error)
