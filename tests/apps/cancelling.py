"""Applications and a handler that cancel the task that they are called in."""

import asyncio
from typing import Any

import everloop


async def _respond(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"fine"})


def _cancel() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


async def at_once(scope: Any, receive: Any, send: Any) -> None:
    """Cancels itself before it has answered, but for requests of `/`."""
    if scope["path"] != "/":
        _cancel()
        await asyncio.sleep(0)
    await _respond(send)


async def too_late(scope: Any, receive: Any, send: Any) -> None:
    """Has a time limit of its own that it forgets about: it fires while the next poll waits for other work."""
    if scope["path"] != "/":
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_later(0.01, task.cancel)
        everloop.wait_until(asyncio.create_task(_work()))
    await _respond(send)


async def _work() -> None:
    await asyncio.sleep(0.1)
    print("the work is done", flush=True)


async def handler(event: Any, context: Any) -> str:
    """Cancels itself where the event asks for it."""
    if event.get("cancel"):
        _cancel()
        await asyncio.sleep(0)
    return "fine"
