"""The events of an API Gateway WebSocket API: one for each frame.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
"""

from dataclasses import dataclass
from typing import Any

from everloop.dev.events.parts import forwarded, listed, parameters, titled
from everloop.dev.events.request import API_ID, Arrival, ClientRequest, FrontEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What is the same in all events of a connection."""

    connection_id: str
    connected_at: float
    """Seconds since the epoch."""
    ip: str
    user_agent: str | None
    stage: str


def encode_connect(request: ClientRequest, peer: Peer, front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give `$connect`, the only event with the handshake's headers and query. It has no path."""
    headers = listed([(titled_socket(name), value) for name, value in forwarded(request, arrival)])
    event: dict[str, Any] = {
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
    }
    if found := parameters(request.query):
        event["queryStringParameters"] = {name: values[-1] for name, values in found.items()}
        event["multiValueQueryStringParameters"] = found
    event["requestContext"] = _context(peer, front, arrival, "$connect", "CONNECT")
    event["isBase64Encoded"] = False
    return event


def encode_message(
    text: str, route: str, message_id: str, peer: Peer, front: FrontEnd, arrival: Arrival
) -> dict[str, Any]:
    """Give a message of a route."""
    context = _context(peer, front, arrival, route, "MESSAGE") | {"messageId": message_id}
    return {"requestContext": context, "body": text, "isBase64Encoded": False}


def encode_disconnect(code: int, reason: str, peer: Peer, front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give `$disconnect` with the code and reason of the end (RFC 6455, section 7.4)."""
    headers = {"Host": front.api_domain, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    return {
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": _context(peer, front, arrival, "$disconnect", "DISCONNECT")
        | {"disconnectStatusCode": code, "disconnectReason": reason or _REASONS.get(code, "")},
        "isBase64Encoded": False,
    }


_REASONS = {
    1001: "Going away",
    1005: "Client-side close frame status not set",
    1006: "Connection closed abnormally",
}


def titled_socket(name: str) -> str:
    """Spell a header's name as clients do in handshakes: `Sec-WebSocket-Key`."""
    return titled(name).replace("Sec-Websocket-", "Sec-WebSocket-")


def _context(peer: Peer, front: FrontEnd, arrival: Arrival, route: str, kind: str) -> dict[str, Any]:
    return {
        "routeKey": route,
        "eventType": kind,
        "extendedRequestId": arrival.extended_id,
        "requestTime": arrival.clf,
        "messageDirection": "IN",
        "stage": peer.stage,
        "connectedAt": int(peer.connected_at * 1000),
        "requestTimeEpoch": arrival.milliseconds,
        "identity": {"sourceIp": peer.ip}
        if peer.user_agent is None
        else {"sourceIp": peer.ip, "userAgent": peer.user_agent},
        "requestId": arrival.extended_id,
        "domainName": front.api_domain,
        "connectionId": peer.connection_id,
        "apiId": API_ID,
    }
