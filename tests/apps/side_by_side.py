"""Applications for several invocations at a time."""

import asyncio
import contextvars
import json
import logging
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import everloop
from gates import gate
from messages import body, no_lifespan, start

mark: contextvars.ContextVar[str | None] = contextvars.ContextVar("mark", default=None)
logger = logging.getLogger("side_by_side")
imported_by = os.getpid()


async def isolated(scope: Any, receive: Any, send: Any) -> None:
    """Tells what it sees of itself before and after others had their turn; a foreign mark would show."""
    await no_lifespan(scope)
    name = dict(parse_qsl(scope["query_string"].decode()))["name"]
    looking = Looking(name)
    await let_others()
    await send(start())
    await send(body(looking.seen(scope["aws.context"]).encode()))


class Looking:
    """What an invocation sees of itself, from here until `seen()`."""

    def __init__(self, name: str) -> None:
        self.name = int(name)
        self.found = mark.get()
        mark.set(name)
        self.before = everloop.current_invocation()

    def seen(self, context: Any) -> str:
        after = everloop.current_invocation()
        assert after is not None
        if self.name % 50 == 0:
            logger.info("mark %s", self.name)
        return json.dumps(
            {
                "found": self.found,
                "mark": mark.get(),
                "same": self.before is after,
                "request_id": after.request_id,
                "context_id": context.aws_request_id,
                "trace_id": after.trace_id,
                "tenant_id": after.tenant_id,
                "environment": os.environ.get("_X_AMZN_TRACE_ID"),
            }
        )


async def let_others() -> None:
    number = int(mark.get() or 0)
    for _ in range(number % 4):
        await asyncio.sleep(0)
    if number % 7 == 0:
        await asyncio.sleep(0.002)


def isolated_sync(event: Any, context: Any) -> Any:
    looking = Looking(event["name"])
    time.sleep(looking.name % 4 / 1000)
    return looking.seen(context)


async def isolated_async(event: Any, context: Any) -> Any:
    looking = Looking(event["name"])
    await let_others()
    return looking.seen(context)


def isolated_generator(event: Any, context: Any) -> Any:
    looking = Looking(event["name"])
    yield ""
    time.sleep(looking.name % 4 / 1000)
    yield looking.seen(context)


def isolated_wsgi(environ: Any, start_response: Any) -> Any:
    looking = Looking(dict(parse_qsl(environ["QUERY_STRING"]))["name"])
    start_response("200 OK", [("Content-Type", "application/json")])
    time.sleep(looking.name % 4 / 1000)
    yield looking.seen(environ["aws.context"]).encode()


async def by_path(scope: Any, receive: Any, send: Any) -> None:
    """Does what the path says."""
    if scope["type"] == "lifespan":
        await receive()
        print("startup of", os.getpid(), flush=True)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("shutdown of", os.getpid(), flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    path = scope["path"]
    if path == "/gate":
        print("at the gate", flush=True)
        await gate("open")
    elif path == "/block":
        await blocks_the_loop()
    elif path == "/block-at-once":
        time.sleep(0.4)  # noqa: ASYNC251 - that is the point
    elif path == "/compute-together":
        arrived.append(asyncio.get_running_loop().create_future())
        if len(arrived) == 32:
            for one in arrived:
                one.set_result(None)
        await arrived[-1]
        computes(0.01)
    elif path == "/compute-in-thread":
        await asyncio.to_thread(computes)
    elif path == "/sleep":
        await asyncio.sleep(0.05)
    elif path == "/raise":
        raise ValueError("on purpose")
    elif path == "/wait":
        await asyncio.sleep(60)
    elif path == "/die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif path == "/exit":
        raise SystemExit(7)
    elif path == "/exit-in-task":
        started.append(asyncio.create_task(exits()))
    elif path == "/stream":
        await send(start())
        for piece in range(20):
            await send(body(b"%d " % piece, more=True))
            await asyncio.sleep(0.001)
        await send(body(b"end"))
        return
    elif path == "/flood":
        await send(start())
        chunk = b"x" * 65536
        for _ in range(64):
            await send(body(chunk, more=True))
        await send(body(b""))
        return
    await send(start())
    await send(body(json.dumps({"pid": os.getpid(), "imported_by": imported_by, "path": path}).encode()))


def computes(seconds: float = 0.1) -> None:
    """Holds the interpreter's lock whenever it gets it."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(100))


arrived: list[asyncio.Future[None]] = []
started: list[asyncio.Task[None]] = []


async def exits() -> None:
    """Exits in a task that no invocation waits for."""
    await asyncio.sleep(0.05)
    raise SystemExit(7)


async def blocks_the_loop() -> None:
    """Blocks in the middle, as a synchronous client of a database does."""
    await asyncio.sleep(0.01)
    time.sleep(0.4)  # noqa: ASYNC251 - that is the point


together = threading.Barrier(40)


async def meets_in_threads(scope: Any, receive: Any, send: Any) -> None:
    """Waits in a thread until forty of its like do."""
    await no_lifespan(scope)
    await asyncio.to_thread(together.wait, 3)
    await send(start())
    await send(body(b"met"))


async def measures(scope: Any, receive: Any, send: Any) -> None:
    """Holds its event until all of them are there."""
    await no_lifespan(scope)
    await receive()
    await gate("open")
    await send(start())
    await send(body(b"ok"))


async def fails_to_start(scope: Any, receive: Any, send: Any) -> None:
    """Has a lifespan whose startup fails."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})


async def dies_in_shutdown(scope: Any, receive: Any, send: Any) -> None:
    """Every worker is killed while it shuts down."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        os.kill(os.getpid(), signal.SIGKILL)


async def one_never_starts(scope: Any, receive: Any, send: Any) -> None:
    """In the first worker that makes the file `FIRST` the startup hangs."""
    if scope["type"] == "lifespan":
        await receive()
        try:
            Path(os.environ["FIRST"]).touch(exist_ok=False)  # noqa: ASYNC240 - a moment
        except FileExistsError:
            print("ready in", os.getpid(), flush=True)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await asyncio.sleep(0.3)  # time in which a slot could poll
            await send({"type": "lifespan.shutdown.complete"})
        else:
            print("hangs in", os.getpid(), flush=True)
            await asyncio.sleep(60)
