"""Keeps things that belong to one event loop in the module, and uses them from call to call."""

import asyncio
import os
from typing import Any

import httpx

from messages import body, no_lifespan, start

IMPORT_LOOP = asyncio.get_event_loop()
RUNNING_DURING_IMPORT = IMPORT_LOOP.is_running()
CLIENT = httpx.AsyncClient(trust_env=False)
LOCK = asyncio.Lock()
QUEUE: asyncio.Queue[int] = asyncio.Queue()
TASKS: set[asyncio.Task[None]] = set()


async def use_lock() -> str:
    """Locks it so that somebody must wait: only then is the lock bound to a loop."""

    async def other() -> None:
        async with LOCK:
            pass

    async with LOCK:
        task = asyncio.ensure_future(other())
        await asyncio.sleep(0)
    await task
    return "locked"


async def use_queue() -> str:
    """Takes from a queue into which a task of an earlier call puts."""
    if not TASKS:
        TASKS.add(asyncio.ensure_future(fill()))
    return f"item {await QUEUE.get()}"


async def fill() -> None:
    number = 0
    while True:
        number += 1
        await QUEUE.put(number)
        while not QUEUE.empty():  # noqa: ASYNC110, the queue has no event for it
            await asyncio.sleep(0.001)


async def use_client() -> str:
    answer = await CLIENT.get(os.environ["UPSTREAM"])
    return answer.text


async def use_loop() -> str:
    same = asyncio.get_running_loop() is IMPORT_LOOP
    return f"same loop: {same}, running during import: {RUNNING_DURING_IMPORT}"


USES = {"/lock": use_lock, "/queue": use_queue, "/client": use_client, "/loop": use_loop}


async def app(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    text = await USES[scope["path"]]()
    await send(start())
    await send(body(text.encode()))
