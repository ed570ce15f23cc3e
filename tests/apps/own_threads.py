"""Threads of the application's own, which do not know the invocation that they work for."""

import asyncio
import logging
import os
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from logging.handlers import QueueHandler, QueueListener
from pathlib import Path
from typing import Any

import everloop
from gates import gate
from messages import body, no_lifespan, start

logger = logging.getLogger("shop")
pool = ThreadPoolExecutor(1)

records: queue.Queue[Any] = queue.Queue()
listener: Any = None
if os.environ.get("QUEUED"):
    root = logging.getLogger()
    listener = QueueListener(records, *root.handlers)
    root.handlers = [QueueHandler(records)]


def told() -> str | None:
    """Logs, and gives the id of the invocation that this thread is said to work for."""
    logger.warning("from %s", threading.current_thread().name.partition("-")[0])
    invocation = everloop.current_invocation()
    return None if invocation is None else invocation.request_id


def sync(event: Any, context: Any) -> Any:
    return pool.submit(told).result()


async def coroutine(event: Any, context: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, told)


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    found = await asyncio.get_running_loop().run_in_executor(None, told)
    await send(start())
    await send(body(str(found).encode()))


def later(event: Any, context: Any) -> None:
    """A thread logs after the response."""

    def log() -> None:
        while not Path(os.environ["GATES"], "log").exists():
            time.sleep(0.002)
        logger.warning("after the response")

    threading.Thread(target=log).start()


async def work() -> None:
    await gate("work")
    logger.warning("worked in %s", threading.current_thread().name)


def gives(event: Any, context: Any) -> None:
    """A thread gives work to the loop."""
    thread = threading.Thread(target=lambda: everloop.wait_until(work()))
    thread.start()
    thread.join()


async def async_gives(event: Any, context: Any) -> None:
    await asyncio.get_running_loop().run_in_executor(None, gives, event, context)


def queued(event: Any, context: Any) -> None:
    """Records wait in a queue until the invocation after the one that they are of."""
    if event == "write":
        listener.start()
        return
    logger.warning("in the queue")
    raise ValueError("out of stock")


async def in_startup(scope: Any, receive: Any, send: Any) -> None:
    """What start-up has started belongs to no invocation."""
    if scope["type"] != "lifespan":
        asked.set()
        await gate("work")
        await send(start())
        await send(body(b"done"))
        return
    await receive()
    task = asyncio.create_task(background())
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await task
    await send({"type": "lifespan.shutdown.complete"})


asked = asyncio.Event()


async def background() -> None:
    await asked.wait()
    logger.warning("of start-up: %s", told())
