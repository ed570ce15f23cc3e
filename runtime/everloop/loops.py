"""The one event loop."""

import asyncio
import os

from everloop.errors import InvalidSettings
from everloop.settings import Loop


def new_loop(kind: Loop) -> asyncio.AbstractEventLoop:
    """Make the loop that the process keeps until it ends. Raises `InvalidSettings` where uvloop is not there.

    What `close()` of this module does, its own `close()` does not: a module or handler that asks for the current loop
    and closes it when it is done is right in doing so, and would end the process.
    """
    loop = _make(kind)
    vars(loop)["close"] = _stay_open
    return loop


def _make(kind: Loop) -> asyncio.AbstractEventLoop:
    if kind is not Loop.ASYNCIO:
        try:
            import uvloop
        except ImportError as error:
            if kind is Loop.UVLOOP:
                raise InvalidSettings(
                    [f"EVERLOOP_LOOP='uvloop': uvloop cannot be imported ({error}); expected it to be installed"]
                ) from error
        else:
            return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def give_threads(loop: asyncio.AbstractEventLoop, slots: int) -> None:
    """Let every slot have a thread for `asyncio.to_thread()`: the usual pool has five for all on a single processor.

    Those that wait for a thread wait as long as if they had blocked the loop, and nobody is told of it.
    """
    from concurrent.futures import ThreadPoolExecutor  # with one slot nobody pays for it

    usual = min(32, (os.cpu_count() or 1) + 4)
    loop.set_default_executor(ThreadPoolExecutor(max(slots, usual), thread_name_prefix="asyncio"))


def name_of(loop: asyncio.AbstractEventLoop) -> str:
    """Give `uvloop` or `asyncio`."""
    return type(loop).__module__.partition(".")[0]


def hint(message: str) -> str:
    """Give what helps against an initialisation error that uvloop is the cause of: nest_asyncio.apply() raises one."""
    if "uvloop.Loop" not in message:
        return ""
    return ". EVERLOOP_LOOP=asyncio takes asyncio's own event loop instead of uvloop's."


def close(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what is left running and close the loop, as `asyncio.run()` does."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=0.1))
    loop.run_until_complete(loop.shutdown_asyncgens())
    asyncio.set_event_loop(None)
    del vars(loop)["close"]
    loop.close()


def _stay_open() -> None:
    """Do nothing, in the place of the one loop's `close()`."""
