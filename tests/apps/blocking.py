"""Blocks the event loop in the middle of a request."""

import asyncio
import time
from typing import Any

from messages import body, no_lifespan, start


async def app(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    time.sleep(0.7)  # noqa: ASYNC251, that is the point
    await send(start())
    await send(body(b"late"))


async def after_last(scope: Any, receive: Any, send: Any) -> None:
    """Blocks the loop when its response is complete, as background work does that computes."""
    await no_lifespan(scope)
    await send(start())
    await send(body(b"done"))
    time.sleep(0.4)  # noqa: ASYNC251, that is the point
    print("background ends", flush=True)


async def between_pieces(scope: Any, receive: Any, send: Any) -> None:
    """Blocks the loop after every piece of its stream."""
    await no_lifespan(scope)
    await send(start())
    for piece in (b"one", b"two"):
        await send(body(piece, more=True))
        time.sleep(0.3)  # noqa: ASYNC251, that is the point
        print("computed", flush=True)
    await send(body())


async def at_times(scope: Any, receive: Any, send: Any) -> None:
    """Returns at once, but on `/block` blocks the loop for 0.4 s after its last message, on `/wait` waits as long."""
    await no_lifespan(scope)
    await send(start())
    await send(body(b"done"))
    if scope["path"] == "/block":
        time.sleep(0.4)  # noqa: ASYNC251, that is the point
    if scope["path"] == "/wait":
        await asyncio.sleep(0.4)


async def long(scope: Any, receive: Any, send: Any) -> None:
    """Blocks the loop for longer than any test waits."""
    await no_lifespan(scope)
    print("blocking", flush=True)
    time.sleep(30)  # noqa: ASYNC251, that is the point


def sleeps(event: Any, context: Any) -> None:
    """A plain handler that does not come back in time."""
    time.sleep(event["seconds"])
