"""What the runtime makes of an event: the one place where the development side asks the runtime's own decoder.

Everything else here speaks to the runtime in its own words, so that no mistake hides in both. This view is the
exception, because showing the runtime's own reading is all that it does.
"""

import json
from collections.abc import Mapping
from typing import Any

from everloop.asgi.scope import build_scope, build_websocket_scope
from everloop.errors import EverloopError
from everloop.sources.mount import mount
from everloop.sources.registry import BUILT_IN, select
from everloop.sources.websocket import FrameKind, WebSocketApi


def describe(event: bytes, environ: Mapping[str, str]) -> dict[str, Any]:
    """Give `{"source": …, "scope": …, "body": …}`, or `{"none": why}` for what is no HTTP event."""
    try:
        value = json.loads(event)
    except (ValueError, RecursionError) as error:
        return {"none": f"The event is not JSON: {error}"}
    try:
        source = select(value, BUILT_IN)
        if isinstance(source, WebSocketApi):
            return _websocket(source, value)
        request = source.decode(value)
    except EverloopError as error:
        return {"none": str(error)}
    if base_path := environ.get("EVERLOOP_BASE_PATH", "").strip("/ "):
        mount(request, f"/{base_path}")
    return {"source": source.name, "scope": _plain(build_scope(request, {})), "body": len(request.body)}


def _websocket(source: WebSocketApi, event: dict[str, Any]) -> dict[str, Any]:
    frame = source.decode(event)
    if frame.kind is not FrameKind.CONNECT:
        return {"none": f"A frame of connection {frame.connection_id}: its scope is that of the connection's $connect."}
    handshake = source.handshake(event)
    return {"source": source.name, "scope": _plain(build_websocket_scope(handshake, {})), "body": 0}


def _plain(scope: dict[str, Any]) -> dict[str, Any]:
    """Give a scope as JSON can carry it: bytes as Python shows them."""
    return {key: _value(value) for key, value in scope.items() if key not in ("state", "extensions")}


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return repr(value)
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    return value
