"""AWS's sample of a graceful shutdown: a SIGTERM handler of the user's own."""

import os
import signal
import sys
from types import FrameType
from typing import Any

from messages import body, start


def exit_gracefully(number: int, frame: FrameType | None) -> None:
    print("[runtime] SIGTERM received", flush=True)
    if os.environ.get("PASS_ON"):
        replaced(number, frame)
        return
    sys.exit(int(os.environ.get("CODE", "0")))


replaced: Any = signal.signal(signal.SIGTERM, exit_gracefully)


def sync(event: Any, context: Any) -> Any:
    return event


async def coroutine(event: Any, context: Any) -> Any:
    return event


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("lifespan shutdown", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send(start())
    await send(body(b"served"))
