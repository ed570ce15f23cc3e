"""Applications that raise odd things, or do odd things that ASGI allows."""

import asyncio
import os
from typing import Any

from messages import body, no_lifespan, start


class parcel_error_2(Exception):  # noqa: N801, the odd name is the point
    """Named as Lambda does not accept it."""


class Ünbekannt(Exception):
    """Named with a letter that is not ASCII."""


class Unprintable(Exception):
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Fatal(BaseException):
    """Not an Exception."""


def raised(name: str) -> BaseException:
    errors: dict[str, BaseException] = {
        "name": parcel_error_2("odd name"),
        "umlaut": Ünbekannt("odd letter"),
        "unprintable": Unprintable(),
        "surrogate": ValueError("half a character: \ud800"),
        "lines": ValueError("two\nlines\r\nand a third"),
        "huge": ValueError("x" * 3_000_000),
        "cancelled": asyncio.CancelledError(),
        "fatal": Fatal("not an Exception"),
        "stop": StopAsyncIteration(),
        "keyboard": KeyboardInterrupt(),
        "exit": GeneratorExit(),
    }
    return errors[name]


async def before(scope: Any, receive: Any, send: Any) -> None:
    """Raises what the path names before any answer; `/` is answered."""
    await no_lifespan(scope)
    if name := scope["path"].strip("/"):
        raise raised(name)
    await send(start())
    await send(body(b"fine"))


async def mid_stream(scope: Any, receive: Any, send: Any) -> None:
    """Raises what the path names in mid-stream."""
    await no_lifespan(scope)
    await send(start())
    await send(body(b"half", more=True))
    if name := scope["path"].strip("/"):
        raise raised(name)
    await send(body())


async def receives_after_the_end(scope: Any, receive: Any, send: Any) -> None:
    """Asks for messages when its response is complete."""
    await no_lifespan(scope)
    await receive()
    await send(start())
    await send(body(b"whole"))
    print("received", [(await receive())["type"] for _ in range(2)], flush=True)


async def receives_beside(scope: Any, receive: Any, send: Any) -> None:
    """Waits for a disconnect in another task while it answers, as Starlette does with streams."""
    await no_lifespan(scope)
    await receive()

    async def listen() -> None:
        print("beside", (await receive())["type"], flush=True)

    task = asyncio.ensure_future(listen())
    await send(start())
    await send(body(b"whole"))
    await task


async def context(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what Lambda's context says."""
    await no_lifespan(scope)
    seen = scope["aws.context"]
    values = [
        seen.aws_request_id,
        seen.function_name,
        seen.function_version,
        seen.memory_limit_in_mb,
        seen.invoked_function_arn,
        seen.get_remaining_time_in_millis() // 1000,
    ]
    await send(start())
    await send(body("|".join(map(str, values)).encode()))


async def trace(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the trace id of the environment."""
    await no_lifespan(scope)
    await send(start())
    await send(body(os.environ.get("_X_AMZN_TRACE_ID", "none").encode()))


async def many_messages(scope: Any, receive: Any, send: Any) -> None:
    """A body of 10,000 messages."""
    await no_lifespan(scope)
    await send(start())
    for number in range(10_000):
        await send(body(b"%d," % number, more=True))
    await send(body())


async def orphaned_task(scope: Any, receive: Any, send: Any) -> None:
    """Leaves a task behind that fails."""
    await no_lifespan(scope)

    async def fail() -> None:
        raise LookupError("nobody waits for me")

    TASKS.append(asyncio.ensure_future(fail()))
    await send(start())
    await send(body(b"fine"))


TASKS: list[asyncio.Future[None]] = []
