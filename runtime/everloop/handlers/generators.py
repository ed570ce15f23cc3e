"""What an application that was stopped leaves behind: generators that nobody has closed yet."""

import asyncio
import gc

from everloop.handlers.deadline import GRACE


async def close_generators() -> None:
    """Have the generators of a stopped application closed, and give their `finally` blocks a moment to run.

    Frameworks drop them. A dropped async generator is closed by the loop in a task of its own, a turn later; and where
    an exception's traceback still holds its frames, as it does behind anyio's task groups, it takes the collector to
    find either kind. The process may be frozen with the next poll, so what they hold (a lock, a connection to a
    database) would be kept for as long.
    """
    gc.collect()
    await asyncio.sleep(0)  # the loop's hook makes the tasks with its next turn
    closing = [task for task in asyncio.all_tasks() if type(task.get_coro()).__name__ == "async_generator_athrow"]
    if closing:
        await asyncio.wait(closing, timeout=GRACE)
