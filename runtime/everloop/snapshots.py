"""SnapStart: what runs before Lambda takes a snapshot of the process, and after it was restored from one.

Source: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-custom.html
"""

import asyncio
import inspect
import logging
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

logger = logging.getLogger("everloop")

SNAP_START = "snap-start"
"""AWS_LAMBDA_INITIALIZATION_TYPE of a process that is started to be snapshotted."""

BEFORE_SNAPSHOT_ERROR = "Runtime.BeforeSnapshotError"
AFTER_RESTORE_ERROR = "Runtime.AfterRestoreError"
BEFORE_SNAPSHOT_EXIT = 64
AFTER_RESTORE_EXIT = 65


def before_snapshot(function: F, *args: Any, **kwargs: Any) -> F:
    """Call `function(*args, **kwargs)`, sync or async, before a snapshot is taken; what is registered last runs first.

    A decorator, too. Close here what does not survive: sockets, above all. Registers with AWS's `snapshot_restore_py`,
    so that functions registered there and here run in one order. Without SnapStart nothing is called.
    """
    from snapshot_restore_py import register_before_snapshot

    register_before_snapshot(function, *args, **kwargs)
    return function


def after_restore(function: F, *args: Any, **kwargs: Any) -> F:
    """Call `function(*args, **kwargs)`, sync or async, after a restore and before the first poll, in order.

    A decorator, too; all of them together have 10 seconds. Registers with AWS's `snapshot_restore_py`.
    """
    from snapshot_restore_py import register_after_restore

    register_after_restore(function, *args, **kwargs)
    return function


def run_before_snapshot(loop: asyncio.AbstractEventLoop) -> None:
    """Run what was registered, the last first. Raises what it raises."""
    # Who has registered something has imported it.
    if registered := sys.modules.get("snapshot_restore_py"):
        hooks = registered.get_before_snapshot()
        while hooks:
            _run(loop, *hooks.pop())


def run_after_restore(loop: asyncio.AbstractEventLoop) -> None:
    """Renew what no two processes may share, then run what was registered, in order. Raises what it raises."""
    reseed()
    if registered := sys.modules.get("snapshot_restore_py"):
        for hook in registered.get_after_restore():
            _run(loop, *hook)


def reseed() -> None:
    """Give the generators of random numbers a new state: every process that is restored has the same one.

    `os.urandom()`, and so `secrets` and `uuid.uuid4()`, ask the kernel, which Lambda reseeds itself.
    """
    if "random" in sys.modules:  # who imports it later gets a fresh state
        sys.modules["random"].seed()
    if "ssl" in sys.modules:
        sys.modules["ssl"].RAND_add(os.urandom(32), 32.0)


def _run(loop: asyncio.AbstractEventLoop, function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    """Call a hook while the loop does not run, so that `asyncio.run()` works in it; await what wants to be awaited."""
    result = function(*args, **kwargs)
    if inspect.isawaitable(result):
        loop.run_until_complete(_awaited(result))
    # asyncio.run() in a hook takes the current loop away with its own.
    asyncio.set_event_loop(loop)


async def _awaited(awaitable: Any) -> None:
    await awaitable
