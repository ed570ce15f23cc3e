"""Handlers of every kind that give work to `wait_until()` from a thread; `?fail` gives work that fails."""

import asyncio
import logging
import threading
from typing import Any

import everloop
from gates import gate
from messages import body, no_lifespan, start

logger = logging.getLogger("gives_work")


async def work() -> None:
    await gate("work")
    logger.info("worked in %s", threading.current_thread().name)


async def failing_work() -> None:
    raise ValueError("the work failed")


def give(query: str) -> str:
    everloop.wait_until(failing_work() if query == "fail" else work())
    return threading.current_thread().name


def function(event: Any, context: Any) -> str:
    return give(event["rawQueryString"])


def wsgi(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])
    yield give(environ["QUERY_STRING"]).encode()


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """As FastAPI's `def` routes do."""
    await no_lifespan(scope)
    name = await asyncio.to_thread(give, scope["query_string"].decode())
    await send(start())
    await send(body(name.encode()))
