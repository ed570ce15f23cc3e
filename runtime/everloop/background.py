"""Work that goes on after the response: `everloop.wait_until()`."""

import asyncio
import contextvars
import logging
import threading
from collections.abc import Awaitable
from typing import Any, TypeVar

from everloop.invocation import Invocation, current, current_invocation

T = TypeVar("T")

logger = logging.getLogger("everloop")

_given: set[asyncio.Future[Any]] = set()
"""Loops keep weak references only: what goes on past its invocation would vanish."""

_home: tuple[asyncio.AbstractEventLoop | None, int] = (None, 0)
"""The loop that the work runs on, and its thread."""


def run_on(loop: asyncio.AbstractEventLoop) -> None:
    """Run what is given from other threads than this one on `loop`, which is or will be this one's."""
    global _home
    _home = (loop, threading.get_ident())


def wait_until(awaitable: Awaitable[T]) -> asyncio.Future[T]:
    """Let the next poll wait for `awaitable`, at the latest until the invocation's deadline less the margin.

    The client does not wait: its response is complete when the last body message is sent. Without this, a task that
    outlives the request is frozen with the environment. An exception is logged. Works in threads, too: what is
    given runs on the loop. With several slots a thread must have the invocation's context, as `asyncio.to_thread()`
    gives it. Work that is given after its invocation's end is not waited for. Returns the task or future, and raises
    `RuntimeError` outside of an invocation.
    """
    invocation = current_invocation()
    if invocation is None:
        raise RuntimeError(
            "everloop.wait_until() was called outside of an invocation: there is no response that the work could follow"
        )
    loop, thread = _home
    future: asyncio.Future[T]
    if loop is None or threading.get_ident() == thread:
        future = asyncio.ensure_future(awaitable)
        _watch(future)
    else:
        # With this thread's context, in which a thread of the application's own has no invocation.
        context = contextvars.copy_context()
        context.run(current.set, invocation)
        started = context.run(asyncio.run_coroutine_threadsafe, _result_of(awaitable), loop)
        future = asyncio.wrap_future(started, loop=loop)
        context.run(loop.call_soon_threadsafe, _watch, future)
    if invocation.background is None:
        invocation.background = []
    invocation.background.append(future)
    return future


async def _result_of(awaitable: Awaitable[T]) -> T:
    return await awaitable


def _watch(future: asyncio.Future[Any]) -> None:
    if future in _given:
        return
    _given.add(future)
    if future.done():
        _ended(future)  # at once: the environment may be frozen in the loop's next turn
    else:
        future.add_done_callback(_ended)


def _ended(future: asyncio.Future[Any]) -> None:
    _given.discard(future)
    # Not what ends the loop, and is told there.
    if not future.cancelled() and isinstance(error := future.exception(), Exception):
        logger.error("Work given to wait_until() failed", exc_info=error)


async def settle(invocation: Invocation, end: float | None) -> None:
    """Wait for what `wait_until()` was given, until `end` by the loop's clock; the rest is left running."""
    loop = asyncio.get_running_loop()
    while pending := [future for future in invocation.background or () if not future.done()]:
        # In turns, because work that is waited for may give more.
        timeout = None if end is None else end - loop.time()
        if timeout is not None and timeout <= 0:
            logger.warning(
                "Work given to wait_until() was not done at the deadline and is left running, frozen between "
                "invocations: %s",
                pending,
            )
            break
        await asyncio.wait(pending, timeout=timeout)
