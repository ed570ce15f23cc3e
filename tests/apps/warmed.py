"""Remembers which paths were asked for, and whether Lambda's keys were in the scope; answers with that."""

import asyncio
import json
import sys
from typing import Any

from messages import body, no_lifespan, start

SEEN: list[list[Any]] = []


def fatal(path: str) -> None:
    """Raise what is no Exception, and yet a failure."""
    if path == "/exits":
        sys.exit(3)
    if path == "/interrupts":
        raise KeyboardInterrupt
    if path == "/generator":
        raise GeneratorExit
    if path == "/cancelled":
        raise asyncio.CancelledError


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    SEEN.append(["GET", environ["PATH_INFO"], environ["QUERY_STRING"], "aws.event" in environ])
    fatal(environ["PATH_INFO"])
    start_response("200 OK", [])
    return [json.dumps(SEEN).encode()]


async def app(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    SEEN.append([scope["method"], scope["path"], scope["query_string"].decode(), "aws.event" in scope])
    if scope["path"] == "/raises":
        raise LookupError("cold")
    if scope["path"] == "/cancels":
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
    fatal(scope["path"])
    await send(start(404 if scope["path"] == "/missing" else 200))
    await send(body(json.dumps(SEEN).encode()))
