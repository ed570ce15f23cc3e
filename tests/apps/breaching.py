"""Applications that break the ASGI protocol: `app` lets the error escape, `caught` answers with it."""

from collections.abc import Awaitable, Callable
from typing import Any

import everloop
from messages import body, no_lifespan, start

Send = Callable[[Any], Awaitable[None]]


async def two_starts(send: Send) -> None:
    await send(start())
    await send(start())


async def body_before_start(send: Send) -> None:
    await send(body(b"early"))


async def unknown_type(send: Send) -> None:
    await send({"type": "http.response.trumpets"})


async def no_type(send: Send) -> None:
    await send({"status": 200})


async def not_a_mapping(send: Send) -> None:
    await send("http.response.start")


async def status_not_int(send: Send) -> None:
    await send({"type": "http.response.start", "status": "200", "headers": []})


async def status_absent(send: Send) -> None:
    await send({"type": "http.response.start", "headers": []})


async def headers_not_pairs(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"alone",)]})


async def header_not_bytes(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [("content-type", "text/plain")]})


async def body_not_bytes(send: Send) -> None:
    await send(start())
    await send({"type": "http.response.body", "body": "text"})


BREACHES: dict[str, Callable[[Send], Awaitable[None]]] = {
    breach.__name__: breach
    for breach in (
        two_starts,
        body_before_start,
        unknown_type,
        no_type,
        not_a_mapping,
        status_not_int,
        status_absent,
        headers_not_pairs,
        header_not_bytes,
        body_not_bytes,
    )
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Commits the breach that the path names."""
    await no_lifespan(scope)
    await BREACHES[scope["path"].lstrip("/")](send)


async def caught(scope: Any, receive: Any, send: Any) -> None:
    """The same, but answers with the error's text."""
    await no_lifespan(scope)
    name = scope["path"].lstrip("/")
    try:
        await BREACHES[name](send)
    except everloop.ProtocolError as error:
        if name not in ("two_starts", "body_not_bytes"):
            await send(start())
        await send(body(f"{type(error).__name__}: {error}".encode()))


async def after_last(scope: Any, receive: Any, send: Any) -> None:
    """Sends a body after the last one."""
    await no_lifespan(scope)
    await send(start())
    await send(body(b"whole"))
    await send(body(b"more than whole"))
