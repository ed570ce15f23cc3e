"""Sends its body in pieces, held back by gates where a test wants to see what has left."""

import os
from typing import Any

from gates import gate
from messages import body, no_lifespan, start

PIECE = 64 * 1024


async def gated(scope: Any, receive: Any, send: Any) -> None:
    """Head, gate `first`, `one`, gate `second`, `two`, gate `end`, the end."""
    await no_lifespan(scope)
    await send(start())
    print("start sent", flush=True)
    await gate("first")
    await send(body(b"one", more=True))
    await gate("second")
    await send(body(b"two", more=True))
    await gate("end")
    await send(body())


async def pieces(scope: Any, receive: Any, send: Any) -> None:
    """Three messages and an end, with empty ones between."""
    await no_lifespan(scope)
    await send(start())
    for piece in (b"", b"a", b"", b"bc", b"", b"def"):
        await send(body(piece, more=True))
    await send(body())


async def empty_first(scope: Any, receive: Any, send: Any) -> None:
    """An empty first message, gate `first`, then a body."""
    await no_lifespan(scope)
    await send(start())
    await send(body(b"", more=True))
    await gate("first")
    await send(body(b"late"))


async def large(scope: Any, receive: Any, send: Any) -> None:
    """`PIECES` pieces of 64 KiB; prints how many have been taken, and every OSError."""
    await no_lifespan(scope)
    await send(start(200, [(b"content-type", b"application/octet-stream")]))
    piece = b"x" * PIECE
    count = int(os.environ["PIECES"])
    for number in range(count):
        await send(body(piece, more=True))
        print("taken", number + 1, flush=True)
    await send(body())
    print("all taken", flush=True)


async def quiet_large(scope: Any, receive: Any, send: Any) -> None:
    """`large` without a word, for measuring memory."""
    await no_lifespan(scope)
    await send(start(200, [(b"content-type", b"application/octet-stream")]))
    piece = b"x" * PIECE
    for _ in range(int(os.environ["PIECES"])):
        await send(body(piece, more=True))
    await send(body())


async def endless(scope: Any, receive: Any, send: Any) -> None:
    """Sends as fast as it can and waits for nothing else, until `send()` raises."""
    await no_lifespan(scope)
    await send(start(200, [(b"content-type", b"application/octet-stream")]))
    try:
        while True:
            await send(body(b"x" * 1000, more=True))
    except OSError:
        print("send raised OSError", flush=True)
        raise


async def until_disconnect(scope: Any, receive: Any, send: Any) -> None:
    """Sends one piece, waits for the disconnect, then tries to send another."""
    await no_lifespan(scope)
    await receive()
    await send(start())
    await send(body(b"one", more=True))
    for _ in range(2):
        print("received", (await receive())["type"], flush=True)
    try:
        await send(body(b"two", more=True))
    except OSError as error:
        print("send raised OSError", type(error).__name__, flush=True)
    else:
        print("send raised nothing", flush=True)


async def numbered(scope: Any, receive: Any, send: Any) -> None:
    """`PIECES` pieces of 64 KiB that begin with their numbers."""
    await no_lifespan(scope)
    await send(start(200, [(b"content-type", b"application/octet-stream")]))
    rest = b"x" * (PIECE - 8)
    for number in range(int(os.environ["PIECES"])):
        await send(body(number.to_bytes(8, "big") + rest, more=True))
    await send(body())
