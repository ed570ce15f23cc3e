"""Handlers of every kind that end the process: `when` in the event, or the query, says at which point."""

import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

from messages import body, no_lifespan, start

CODE = 7


def sync(event: Any, context: Any) -> Any:
    if event.get("when") == "at once":
        sys.exit(CODE)
    return event


async def coroutine(event: Any, context: Any) -> Any:
    return sync(event, context)


def generator(event: Any, context: Any) -> Iterator[str]:
    sync(event, context)
    try:
        yield "begun"
        if event.get("when") == "in the middle":
            sys.exit(CODE)
        yield " and ended"
    finally:
        print("generator closed", flush=True)


async def async_generator(event: Any, context: Any) -> AsyncIterator[str]:
    sync(event, context)
    try:
        yield "begun"
        if event.get("when") == "in the middle":
            sys.exit(CODE)
        yield " and ended"
    finally:
        print("generator closed", flush=True)


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    when = scope["query_string"].decode().replace("+", " ")
    if when == "at once":
        sys.exit(CODE)
    await send(start())
    await send(body(b"begun", more=True))
    if when == "in the middle":
        sys.exit(CODE)
    await send(body(b" and ended"))
    if when == "at the end":
        sys.exit(CODE)


class Closing:
    """An iterable whose `close()` may end the process."""

    def __init__(self, when: str) -> None:
        self.when = when

    def __iter__(self) -> Iterator[bytes]:
        yield b"begun"
        if self.when == "in the middle":
            sys.exit(CODE)
        yield b" and ended"

    def close(self) -> None:
        print("generator closed", flush=True)
        if self.when == "at the end":
            sys.exit(CODE)


def wsgi(environ: Any, start_response: Any) -> Any:
    when = environ["QUERY_STRING"].replace("+", " ")
    if when == "at once":
        sys.exit(CODE)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Closing(when)
