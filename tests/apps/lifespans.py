"""Applications with a lifespan, each with another outcome. What happens is written to the file `LIFESPAN_FILE`."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from messages import body, start

App = Callable[[Any, Any, Any], Awaitable[None]]


def record(what: str) -> None:
    """Files, because a process that is being ended may not get its last line out."""
    with Path(os.environ["LIFESPAN_FILE"]).open("a", encoding="utf-8") as file:
        file.write(what + "\n")


def with_lifespan(lifespan: App) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(scope, receive, send)
            return
        await send(start())
        await send(body(repr(sorted(scope["state"].items())).encode()))

    return app


async def proper(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    record("startup")
    scope["state"]["shared"] = []
    scope["state"]["word"] = "kept"
    await send({"type": "lifespan.startup.complete"})
    record((await receive())["type"])
    await send({"type": "lifespan.shutdown.complete"})


async def hanging(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    record("shutdown begins")
    await asyncio.sleep(60)


async def failing_shutdown(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    raise RuntimeError("shutdown is broken")


async def raising_before_receive(scope: Any, receive: Any, send: Any) -> None:
    raise RuntimeError("what is a lifespan?")


async def returning_before_receive(scope: Any, receive: Any, send: Any) -> None:
    return


async def raising_after_receive(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    raise RuntimeError("the database is away")


async def returning_after_receive(scope: Any, receive: Any, send: Any) -> None:
    await receive()


async def reporting_failure(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no licence"})


async def exiting(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    raise SystemExit("no licence, no start")


async def never_completing(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    print("startup begins", flush=True)
    await asyncio.sleep(60)


ok = with_lifespan(proper)
shutdown_hangs = with_lifespan(hanging)
shutdown_fails = with_lifespan(failing_shutdown)
raises_before = with_lifespan(raising_before_receive)
returns_before = with_lifespan(returning_before_receive)
raises_after = with_lifespan(raising_after_receive)
returns_after = with_lifespan(returning_after_receive)
startup_failed = with_lifespan(reporting_failure)
exits = with_lifespan(exiting)
startup_hangs = with_lifespan(never_completing)


async def changes_state(scope: Any, receive: Any, send: Any) -> None:
    """Puts a new key into the state and a new item into the list that it shares."""
    if scope["type"] == "lifespan":
        await proper(scope, receive, send)
        return
    before = sorted(scope["state"])
    scope["state"]["of the request"] = True
    scope["state"]["shared"].append("seen")
    await send(start())
    await send(body(f"{before} {len(scope['state']['shared'])}".encode()))


async def telling(scope: Any, receive: Any, send: Any) -> None:
    """Prints what its lifespan does, for where no file can be shared."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("the lifespan has ended", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send(start())
    await send(body(b"told"))
