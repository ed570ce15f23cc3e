"""The request that an ASGI server hands on, as it stood on the wire."""

from urllib.parse import quote, quote_from_bytes

from starlette.types import Receive, Scope

from everloop.dev.events.request import ClientRequest

_IN_PATHS = "/:@!$&'()*+,;=~%"


class BodyTooLarge(Exception):
    """The body is over the limit; the rest of it was not read."""


class ClientGone(Exception):
    """The client went away before its request was complete."""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Read the whole body. Raises `BodyTooLarge`, `ClientGone`."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise BodyTooLarge
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise BodyTooLarge
        pieces.append(piece)
        if not message.get("more_body", False):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def request_of(scope: Scope, body: bytes = b"") -> ClientRequest:
    """Give the request of an `http` or `websocket` scope."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    scheme = "https" if scope["scheme"] in ("https", "wss") else "http"
    host: str = next((value for name, value in headers if name == "host"), "")
    client, server = scope.get("client"), scope.get("server")
    return ClientRequest(
        method=scope.get("method", "GET"),
        path=raw_path_of(scope),
        query=_ascii(scope["query_string"], _IN_PATHS + "?"),
        headers=headers,
        body=body,
        ip=client[0] if client else "127.0.0.1",
        scheme=scheme,
        port=_port_of(host, scheme, server[1] if server else None),
    )


def raw_path_of(scope: Scope) -> str:
    """Give the path as it came, percent-encoded."""
    raw = scope.get("raw_path")
    if raw is None:
        return quote(scope["path"], safe=_IN_PATHS.removesuffix("%")) or "/"
    return _ascii(raw.partition(b"?")[0], _IN_PATHS) or "/"


def _ascii(raw: bytes, allowed: str) -> str:
    """Decode what should be ASCII; bytes that are not are encoded, as browsers do before they send them."""
    return raw.decode("ascii") if raw.isascii() else quote_from_bytes(raw, safe=allowed)


def _port_of(host: str, scheme: str, server_port: int | None) -> int:
    """Give the port that the client called: a container's own may be another one."""
    port = host.rpartition(":")[2] if ":" in host.rpartition("]")[2] else ""
    if port.isascii() and port.isdigit() and 0 < int(port) < 65536:
        return int(port)
    if host:
        return 443 if scheme == "https" else 80
    return server_port or 80
