"""Applications that fail, each at another point."""

from typing import Any

from messages import body, no_lifespan, start


class CourierError(Exception):
    """An exception of the application's own."""


async def before_start(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    raise CourierError("before the start")


async def before_body(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    await send(start(201))
    raise CourierError("between start and body")


async def mid_stream(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    await send(start())
    await send(body(b"half", more=True))
    raise CourierError("in mid-stream")


async def mid_stream_at_length(scope: Any, receive: Any, send: Any) -> None:
    """As behind a framework: many frames, and a message that quotes a document."""
    await no_lifespan(scope)
    await send(start())
    await send(body(b"half", more=True))
    await deeper(40)


async def deeper(levels: int) -> None:
    if levels == 0:
        raise CourierError("zu lang: " + "ü" * 20_000)
    await one_more(levels)


async def one_more(levels: int) -> None:
    """Frames that are all alike would be told in one line."""
    await deeper(levels - 1)


async def after_last(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    await send(start())
    await send(body(b"whole"))
    raise CourierError("after the last body")


async def no_response(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)


async def start_only(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    await send(start(201))


async def returns_mid_stream(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    await send(start())
    await send(body(b"half", more=True))


async def system_exit(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    raise SystemExit(7)


async def exception_group(scope: Any, receive: Any, send: Any) -> None:
    """What anyio's task groups raise."""
    await no_lifespan(scope)
    raise ExceptionGroup("several", [CourierError("one of several")])


async def by_path(scope: Any, receive: Any, send: Any) -> None:
    """Fails on `/fail`, answers elsewhere: one environment for both."""
    await no_lifespan(scope)
    if scope["path"] == "/fail":
        raise CourierError("asked to")
    await send(start())
    await send(body(b"fine"))
