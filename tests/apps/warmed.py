"""Remembers which paths were asked for, and whether Lambda's keys were in the scope; answers with that."""

import json
from typing import Any

from messages import body, no_lifespan, start

SEEN: list[list[Any]] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    SEEN.append([scope["method"], scope["path"], scope["query_string"].decode(), "aws.event" in scope])
    if scope["path"] == "/raises":
        raise LookupError("cold")
    await send(start(404 if scope["path"] == "/missing" else 200))
    await send(body(json.dumps(SEEN).encode()))
