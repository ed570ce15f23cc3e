"""Blocks the event loop in the middle of a request."""

import time
from typing import Any

from messages import body, no_lifespan, start


async def app(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    time.sleep(0.7)  # noqa: ASYNC251, that is the point
    await send(start())
    await send(body(b"late"))
