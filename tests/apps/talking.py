"""Writes logs: through `logging` at every level, and with print."""

import asyncio
import atexit
import logging
import os
from pathlib import Path
from typing import Any

from messages import body, no_lifespan, start

logger = logging.getLogger("courier")


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Logs at every level, in a child task too, and an exception."""
    await no_lifespan(scope)
    for level in ("debug", "info", "warning", "error"):
        getattr(logger, level)("a %s line", level)
    print("printed line", flush=True)

    async def child() -> None:
        logger.warning("from a child task")

    await asyncio.ensure_future(child())
    try:
        raise KeyError("lost")
    except KeyError:
        logger.exception("caught one")
    await send(start())
    await send(body(b"said"))


def at_exit() -> None:
    if name := os.environ.get("ATEXIT_FILE"):
        Path(name).write_text("atexit ran", encoding="utf-8")


atexit.register(at_exit)
