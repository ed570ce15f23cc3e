"""Runs a coroutine during its import, as synchronous set-up code does."""

import asyncio
from typing import Any

from messages import body, no_lifespan, start


async def set_up() -> str:
    await asyncio.sleep(0)
    return "set up"


RESULT = asyncio.run(set_up())


async def app(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    await send(start())
    await send(body(RESULT.encode()))
