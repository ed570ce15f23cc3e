"""Hooks around a snapshot: AWS's own and everloop's, sync and async, in one order; and two restores of one snapshot."""

import asyncio
import json
import os
import random
import ssl
import sys
import uuid
from typing import Any

from snapshot_restore_py import register_after_restore, register_before_snapshot

import everloop
from messages import body, no_lifespan, start

order: list[str] = []
assert ssl.OPENSSL_VERSION

if os.environ.get("FORK"):

    @everloop.before_snapshot
    def fork() -> None:
        """Make two processes of one, each of which then waits to be restored: two restores of the same snapshot."""
        os.fork()


register_before_snapshot(order.append, "before 1")


@everloop.before_snapshot
async def second() -> None:
    await asyncio.sleep(0)
    order.append("before 2")


@everloop.before_snapshot
def third() -> None:
    asyncio.run(asyncio.sleep(0))  # works in a sync hook, as everywhere
    order.append("before 3")
    sys.stdout.write(f"before the snapshot: {order}\n")
    if failure := os.environ.get("FAIL_BEFORE"):
        fail(failure)


register_after_restore(order.append, "after 1")


@everloop.after_restore
async def after() -> None:
    await asyncio.sleep(0)
    order.append("after 2")
    if failure := os.environ.get("FAIL_AFTER"):
        fail(failure)


everloop.after_restore(order.append, "after 3")


def fail(how: str) -> None:
    if how == "exit":
        raise SystemExit(3)
    raise ValueError("the pool cannot be closed")


def seen() -> dict[str, Any]:
    return {"order": order, "random": random.random(), "uuid": str(uuid.uuid4()), "pid": os.getpid()}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Tells what its hooks did, and that timers work."""
    await no_lifespan(scope)
    await asyncio.wait_for(asyncio.sleep(0.01), 5)
    await send(start())
    await send(body(json.dumps(seen()).encode()))


def handler(event: Any, context: Any) -> Any:
    """The same without a loop that runs."""
    return seen()
