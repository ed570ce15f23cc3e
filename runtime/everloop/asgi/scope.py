"""The one place where a connection scope is made."""

from typing import Any

from everloop.exchange import Handshake, HttpRequest


def build_scope(request: HttpRequest, state: dict[str, Any], pathsend: bool = False) -> dict[str, Any]:
    """Make the `http` scope of a request. `state` is the lifespan's and is copied (ASGI lifespan spec, 2.0).

    Of the extensions only pathsend is ever offered, and only where it helps. Lambda hands on neither interim responses
    (early_hint) nor trailers to the client; nobody reads what `debug` says; and zero copies are out of reach: what
    leaves here is in chunks, which the kernel's sendfile cannot write, and pathsend is all that is left of it.
    """
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.raw_path,
        "query_string": request.query_string,
        "root_path": request.root_path,
        "headers": headers_with_length(request) if request.body else request.headers,
        "client": request.client,
        "server": request.server,
        "extensions": {"http.response.pathsend": {}} if pathsend else {},
        "state": state.copy(),
    }


def headers_with_length(request: HttpRequest) -> list[tuple[bytes, bytes]]:
    """Give the headers of a request that has a body, and its length among them.

    API Gateway's REST APIs leave that header out. Django's forms, and WSGI applications behind an adapter, take a
    request without it for one without a body. https://github.com/Kludex/mangum/issues/143
    """
    for name, _ in request.headers:
        if name == b"content-length":
            return request.headers
    return [*request.headers, (b"content-length", b"%d" % len(request.body))]


def build_websocket_scope(handshake: Handshake, state: dict[str, Any]) -> dict[str, Any]:
    """Make the `websocket` scope of a connection (ASGI WebSocket spec 2.5)."""
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "scheme": handshake.scheme,
        "path": "/",
        "raw_path": b"/",
        "query_string": handshake.query_string,
        "root_path": "",
        "headers": handshake.headers,
        "client": handshake.client,
        "server": handshake.server,
        "subprotocols": handshake.subprotocols,
        "extensions": {},
        "state": state.copy(),
    }
