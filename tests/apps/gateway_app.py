"""What tests of the gateway ask for, by path."""

import hashlib
import os
import time
from typing import Any
from urllib.parse import parse_qs

import echo
from gates import gate
from messages import body, no_lifespan, start

TEXT = (b"content-type", b"text/plain")


async def app(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    query = parse_qs(scope["query_string"].decode())
    match scope["path"].rpartition("/")[2]:
        case "cookies":
            cookies = [(b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT")]
            await send(start(200, [TEXT, *cookies]))
            await send(body(b"cookies"))
        case "status":
            await send(start(int(query["code"][0]), [TEXT]))
            await send(body(b"never with some of them"))
        case "binary":
            await send(start(200, [(b"content-type", b"image/png")]))
            await send(body(bytes(range(256))))
        case "large":
            await large(send, int(query["pieces"][0]))
        case "gated":
            await send(start(200, [TEXT]))
            for name in query["gate"]:
                await send(body(name.encode(), more=True))
                await gate(name)
            await send(body(b"end"))
        case "raise":
            await send(start(200, [TEXT]))
            await send(body(b"half", more=True))
            raise ZeroDivisionError("in mid-stream")
        case "exit":
            await send(start(200, [TEXT]))
            await send(body(b"half", more=True))
            await gate("exit")
            os._exit(3)
        case "crash":
            os._exit(3)
        case "sleep":
            deaf()
        case "head":
            size = int(query["size"][0])
            await send(start(200, [TEXT, (b"x-large", b"x" * size)]))
            await send(body(b"never with such a head"))
        case _:
            await echo.app(scope, receive, send)


async def large(send: Any, pieces: int) -> None:
    """Pieces of 64 KiB that differ, with the checksum of all in a header."""
    digest = hashlib.sha256()
    for number in range(pieces):
        digest.update(piece(number))
    await send(start(200, [(b"content-type", b"application/octet-stream"), (b"x-sha256", digest.hexdigest().encode())]))
    for number in range(pieces):
        await send(body(piece(number), more=True))
    await send(body())


def piece(number: int) -> bytes:
    return number.to_bytes(8, "big") * 8192


def deaf() -> None:
    """Work on, deaf to the deadline, until Lambda's own timeout comes."""
    time.sleep(60)
