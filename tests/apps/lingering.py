"""Synchronous handlers that leave the loop with work that does not end, each in its own way."""

import asyncio
import atexit
from typing import Any

import everloop

atexit.register(print, "the exit handlers ran", flush=True)


async def _work() -> str:
    print("working", flush=True)
    try:
        await asyncio.sleep(60)
    finally:
        print("the work was cancelled", flush=True)
    return "done"


def gives_work(event: Any, context: Any) -> str:
    everloop.wait_until(_work())
    return "answered"


async def _end(error: BaseException) -> None:
    await asyncio.sleep(0.01)
    raise error


def gives_work_that_exits(event: Any, context: Any) -> str:
    """The event says how."""
    everloop.wait_until(_end(SystemExit(3) if event["how"] == "SystemExit" else KeyboardInterrupt()))
    return "answered"


async def gives_work_that_exits_on_the_loop(event: Any, context: Any) -> str:
    return gives_work_that_exits(event, context)


def has_a_hook(event: Any, context: Any) -> str:
    everloop.after_response(timeout=60)(_work)
    return "answered"


def returns_a_coroutine(event: Any, context: Any) -> Any:
    """As a decorated async function does."""
    return _work()
