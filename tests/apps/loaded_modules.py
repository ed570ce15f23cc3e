"""Answers which of the packages for WebSockets are loaded, or all modules of the package that the query names."""

import json
import sys
from typing import Any


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        raise RuntimeError("no lifespan")
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    asked = scope["query_string"].decode()
    if asked:
        loaded = [name for name in sys.modules if name.partition(".")[0] == asked]
    else:
        loaded = [name for name in ("botocore", "httpx") if name in sys.modules]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(loaded).encode()})
