"""The one place where a connection scope is made."""

from typing import Any

from everloop.exchange import HttpRequest


def build_scope(request: HttpRequest, state: dict[str, Any]) -> dict[str, Any]:
    """Make the `http` scope of a request. `state` is the lifespan's and is copied (ASGI lifespan spec, 2.0)."""
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
        "headers": request.headers,
        "client": request.client,
        "server": request.server,
        "extensions": {},
        "state": state.copy(),
    }
