"""Samples of a WebSocket API's events."""

from typing import Any

from everloop.dev.events.request import Arrival, ClientRequest, FrontEnd, short_id
from everloop.dev.events.websocket import Peer, encode_connect, encode_disconnect, encode_message


def websocket_connect(request: ClientRequest, front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give a handshake."""
    usual = [
        ("Host", front.api_domain),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
        ("User-Agent", "everloop"),
    ]
    named = {name.lower() for name, _ in request.headers}
    full = ClientRequest(
        query=request.query,
        headers=[pair for pair in usual if pair[0].lower() not in named] + request.headers,
        ip="192.0.2.44",
        scheme=request.scheme,
        port=request.port,
    )
    return encode_connect(full, _peer(arrival), front, arrival)


def websocket_message(front: FrontEnd, arrival: Arrival, body: str | None) -> dict[str, Any]:
    """Give a message, which is text: API Gateway takes no other."""
    text = '{"action": "send", "text": "hello"}' if body is None else body
    return encode_message(text, "$default", short_id(b"everloop-me"), _peer(arrival), front, arrival)


def websocket_disconnect(front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give the end of a connection whose client sent no status."""
    return encode_disconnect(1005, "", _peer(arrival), front, arrival)


def _peer(arrival: Arrival) -> Peer:
    """Give the same connection for all three, so that they can be sent one after another."""
    return Peer(
        connection_id=short_id(b"everloop-id"),
        connected_at=arrival.seconds,
        ip="192.0.2.44",
        user_agent="everloop",
        stage="prod",
    )
