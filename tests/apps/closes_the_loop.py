"""Closes the loop that is current, as those do who have asked for one and are done with it."""

import asyncio
import atexit
from collections.abc import Awaitable, Callable
from typing import Any


async def fetch() -> dict[str, int]:
    await asyncio.sleep(0)
    return {"k": 1}


def run_and_close() -> dict[str, int]:
    loop = asyncio.get_event_loop()
    try:
        return loop.run_until_complete(fetch())
    finally:
        loop.close()


settings = run_and_close()
atexit.register(print, "the exit handlers ran")


def sync(event: Any, context: Any) -> dict[str, int]:
    return settings


async def coroutine(event: Any, context: Any) -> dict[str, int]:
    return await fetch()


async def asgi(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]) -> None:
    if scope["type"] == "http":
        await fetch()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"served"})


def in_every_call(event: Any, context: Any) -> dict[str, int]:
    return run_and_close()
