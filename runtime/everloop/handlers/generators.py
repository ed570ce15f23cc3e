"""What an application that was stopped leaves behind: generators that nobody has closed yet."""

import asyncio
import gc

from everloop.handlers.deadline import GRACE

_due: asyncio.Future[None] | None = None
"""Done when the collector has run: one run serves all who ask for it in the same turn of the loop."""


async def close_generators() -> None:
    """Have the generators of a stopped application closed, and give their `finally` blocks a moment to run.

    Frameworks drop them. A dropped async generator is closed by the loop in a task of its own, a turn later; and where
    an exception's traceback still holds its frames, as it does behind anyio's task groups, it takes the collector to
    find either kind. The process may be frozen with the next poll, so what they hold (a lock, a connection to a
    database) would be kept for as long.
    """
    global _due
    loop = asyncio.get_running_loop()
    if _due is None or _due.done() or _due.get_loop() is not loop:
        # A run takes tens of milliseconds where much is loaded, and 64 streams may break at once.
        _due = loop.create_future()
        loop.call_soon(_collect, _due)
    await asyncio.wait([_due])  # unlike `await _due`, being cancelled does not cancel it for the others
    await asyncio.sleep(0)  # the loop's hook makes the tasks with its next turn
    closing = [task for task in asyncio.all_tasks() if type(task.get_coro()).__name__ == "async_generator_athrow"]
    if closing:
        await asyncio.wait(closing, timeout=GRACE)


def _collect(due: asyncio.Future[None]) -> None:
    gc.collect()
    due.set_result(None)
