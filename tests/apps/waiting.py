"""Applications that take their time: for deadlines, disconnects and background work."""

import asyncio
from typing import Any

import everloop
from gates import gate
from messages import body, no_lifespan, start


async def for_disconnect(scope: Any, receive: Any, send: Any) -> None:
    """Waits for the disconnect and answers then."""
    await no_lifespan(scope)
    await receive()
    print("received", (await receive())["type"], flush=True)
    print("received", (await receive())["type"], flush=True)
    await send(start(202))
    await send(body(b"parting words"))


async def for_cancellation(scope: Any, receive: Any, send: Any) -> None:
    """Does not ask for messages; says when it begins, and when it is cancelled."""
    await no_lifespan(scope)
    print("begun", flush=True)
    try:
        await asyncio.sleep(60)
    finally:
        print("cancelled", flush=True)


async def stubborn(scope: Any, receive: Any, send: Any) -> None:
    """Says when it begins, and ignores every cancellation."""
    await no_lifespan(scope)
    print("begun", flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("cancellation ignored", flush=True)


async def in_stream(scope: Any, receive: Any, send: Any) -> None:
    """Starts a stream and never ends it."""
    await no_lifespan(scope)
    await send(start())
    await send(body(b"half", more=True))
    await asyncio.sleep(60)


async def ends_its_stream(scope: Any, receive: Any, send: Any) -> None:
    """Starts a stream and ends it itself when it is disconnected."""
    await no_lifespan(scope)
    await receive()
    await send(start())
    await send(body(b"half", more=True))
    await receive()
    await send(body(b" and farewell"))


async def by_path(scope: Any, receive: Any, send: Any) -> None:
    """Waits on `/wait`, ignores its cancellation on `/stubborn`, answers at once elsewhere."""
    await no_lifespan(scope)
    if scope["path"] == "/stubborn":
        await stubborn(scope, receive, send)
    if scope["path"] == "/wait":
        await asyncio.sleep(60)
    if scope["path"] == "/gate":
        print("waiting at the gate", flush=True)
        await gate("turn")
        print("the loop has turned", flush=True)
        await gate("answer")
    await send(start())
    await send(body(b"at once"))


async def background(scope: Any, receive: Any, send: Any) -> None:
    """Goes on after its last message, as a background task of Starlette does."""
    await no_lifespan(scope)
    await send(start())
    await send(body(b"done"))
    print("background begins", flush=True)
    await gate("background")
    print("background ends", flush=True)


async def given_to_wait_until(scope: Any, receive: Any, send: Any) -> None:
    """Returns at once, with work given to `wait_until`."""
    await no_lifespan(scope)

    async def work() -> None:
        print("background begins", flush=True)
        await gate("background")
        print("background ends", flush=True)

    everloop.wait_until(work())
    await send(start())
    await send(body(b"done"))


async def endless_background(scope: Any, receive: Any, send: Any) -> None:
    """Its background work never ends."""
    await no_lifespan(scope)
    await send(start())
    await send(body(b"done"))
    await asyncio.sleep(60)


async def failing_wait_until(scope: Any, receive: Any, send: Any) -> None:
    """The work that it gives to `wait_until` fails."""
    await no_lifespan(scope)

    async def work() -> None:
        raise ValueError("the work failed")

    everloop.wait_until(work())
    await send(start())
    await send(body(b"done"))


_outliving: set[asyncio.Task[None]] = set()


async def outliving(scope: Any, receive: Any, send: Any) -> None:
    """A task of its own gives work to `wait_until` when the invocation has long had its end: it fails, later."""
    await no_lifespan(scope)

    async def work() -> None:
        await asyncio.sleep(0.01)
        raise ValueError("the work failed")

    async def give() -> None:
        await gate("over")
        everloop.wait_until(work())

    if scope["path"] == "/":
        _outliving.add(asyncio.create_task(give()))
    await send(start())
    await send(body(b"done"))
