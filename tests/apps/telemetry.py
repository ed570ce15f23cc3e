"""Writes records and lines, for descriptors and for many at a time."""

import asyncio
import logging
import os
from typing import Any

from messages import body, no_lifespan, start

logger = logging.getLogger("courier")


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Logs a traceback, prints, and answers with what children see of the descriptor's variable."""
    await no_lifespan(scope)
    try:
        raise KeyError("lost")
    except KeyError:
        logger.exception("caught one")
    print("printed line", flush=True)
    await send(start())
    await send(body(str(os.environ.get("_LAMBDA_TELEMETRY_LOG_FD")).encode()))


async def named(scope: Any, receive: Any, send: Any) -> None:
    """Logs its query, in turns with the others, in a task and in a thread of its own."""
    await no_lifespan(scope)
    name = scope["query_string"].decode()
    logger.warning("%s here", name)
    await asyncio.sleep(0.01)
    await asyncio.create_task(asyncio.to_thread(logger.warning, "%s in a thread", name))
    await asyncio.sleep(0)
    logger.warning("%s again", name)
    await send(start())
    await send(body(b"named"))
