"""What runs after every response and before the next poll: `everloop.after_response()`."""

import asyncio
import contextlib
import contextvars
import inspect
import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar, overload

from everloop.invocation import Invocation

F = TypeVar("F", bound=Callable[[], Any])

logger = logging.getLogger("everloop")

BUDGET = 1.0
"""Seconds that a function has, unless it was registered with its own."""


class Hook:
    """A function that was registered, and its budget in seconds."""

    __slots__ = ("function", "left_running", "seconds")

    def __init__(self, function: Callable[[], Any], seconds: float) -> None:
        self.function = function
        self.seconds = seconds
        self.left_running = False
        """True while a call in a thread goes on past its budget: there is no second one beside it."""

    def __str__(self) -> str:
        return getattr(self.function, "__qualname__", None) or repr(self.function)


hooks: list[Hook] = []
"""In the order in which they were registered, which is the order in which they run."""


@overload
def after_response(function: F) -> F: ...
@overload
def after_response(*, timeout: float = BUDGET) -> Callable[[F], F]: ...
def after_response(function: F | None = None, *, timeout: float = BUDGET) -> F | Callable[[F], F]:
    """Call `function()`, sync or async, after every response and before the next poll: flush telemetry in it.

    The client does not wait for it. The next invocation does, `timeout` seconds at most and never past the deadline
    less the margin; then an async function is cancelled, and a sync one, which runs in a thread of its own, left to
    itself. `current_invocation()` works in both. An exception is logged. Registered once, at import or in the lifespan.
    Raises `ValueError` for a timeout that is not positive, `TypeError` for a generator function.
    """
    if timeout <= 0:
        raise ValueError(f"after_response(timeout={timeout!r}): expected a number of seconds, more than 0")

    def register(function: F) -> F:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"after_response() was given {function!r}, a generator function, which nobody would iterate over: "
                "expected a function or an async function that does its work when it is called"
            )
        hooks.append(Hook(function, timeout))
        return function

    return register if function is None else register(function)


async def run_hooks(invocation: Invocation, seconds: float | None) -> None:
    """Run every hook, one after the other, all of them within `seconds` where that is a number."""
    await asyncio.sleep(0)  # a response that was allowed to wait for the next poll leaves now
    loop = asyncio.get_running_loop()
    end = None if seconds is None else loop.time() + seconds
    for hook in tuple(hooks):
        left = hook.seconds if end is None else min(hook.seconds, end - loop.time())
        if hook.left_running:
            logger.warning("after_response: %s is still running since an earlier invocation; it is left out", hook)
        elif left <= 0:
            logger.warning("after_response: no time is left for %s before the deadline", hook)
        else:
            await _run(hook, left)


async def _run(hook: Hook, seconds: float) -> None:
    task = asyncio.ensure_future(_call(hook))
    try:
        _, late = await asyncio.wait((task,), timeout=seconds)
    except asyncio.CancelledError:  # the process ends
        task.cancel()
        raise
    if late:
        task.cancel()
        logger.warning(
            "after_response: %s was not done within %.3g s; the next invocation is not kept waiting", hook, seconds
        )


async def _call(hook: Hook) -> None:
    try:
        if inspect.iscoroutinefunction(hook.function):
            result = hook.function()
        else:
            result = await _in_thread(hook)
        if inspect.isawaitable(result):
            await result
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        logger.error("after_response: %s failed", hook, exc_info=error)


async def _in_thread(hook: Hook) -> Any:
    """Call a function that may block in a daemon thread, which nobody waits for when the process ends."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        hook.left_running = False
        if future.done():
            return  # given up
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(_Failed(error))

    def work() -> None:
        result, failure = None, None
        try:
            result = hook.function()
        except BaseException as error:  # noqa: BLE001 - it is handed on
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
            loop.call_soon_threadsafe(settle, result, failure)

    hook.left_running = True
    threading.Thread(
        target=contextvars.copy_context().run, args=(work,), name="everloop after response", daemon=True
    ).start()
    try:
        return await future
    except _Failed as failed:
        raise failed.error from None


class _Failed(Exception):
    """Carries what a future refuses to carry: StopIteration and SystemExit."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error
