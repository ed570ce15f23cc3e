"""Generators of every kind that say when they are opened and closed; the event says how many pieces, and what then.

All are kept: CPython closes a generator that nobody refers to, and what is shown here is that everloop does.
"""

import asyncio
import contextlib
import gc
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from types import AsyncGeneratorType, FrameType, GeneratorType
from typing import Any
from urllib.parse import parse_qsl

import everloop

PAUSE = 0.005
KEPT: list[object] = []


def keep() -> None:
    """Keep the generator that calls this."""
    caller = sys._getframe(1)
    KEPT.append(next(one for one in gc.get_objects() if frame_of(one) is caller))


def frame_of(one: object) -> FrameType | None:
    if isinstance(one, GeneratorType):
        return one.gi_frame
    return one.ag_frame if isinstance(one, AsyncGeneratorType) else None


def pieces(event: Any) -> Iterator[Any]:
    keep()
    print("generator opened", flush=True)
    try:
        for _ in range(int(event.get("pieces", 1_000_000))):
            yield b"x" * 1000
            time.sleep(PAUSE)
        if event.get("then") == "raise":
            raise ValueError("in the middle")
        if event.get("then") == "wrong":
            yield 7
    finally:
        print("generator closed", flush=True)


async def apieces(event: Any) -> AsyncGenerator[Any, None]:
    keep()
    print("generator opened", flush=True)
    try:
        for _ in range(int(event.get("pieces", 1_000_000))):
            yield b"x" * 1000
            await asyncio.sleep(PAUSE)
        if event.get("then") == "raise":
            raise ValueError("in the middle")
        if event.get("then") == "wrong":
            yield 7
        if event.get("then") == "wait":
            await asyncio.Event().wait()
    finally:
        await asyncio.sleep(PAUSE)  # a generator that is only dropped, or cancelled once more, does not get behind this
        print("generator closed", flush=True)


def generator(event: Any, context: Any) -> Iterator[Any]:
    keep()
    yield from pieces(event)


async def async_generator(event: Any, context: Any) -> AsyncIterator[Any]:
    keep()
    async with contextlib.aclosing(apieces(event)) as source:
        async for piece in source:
            yield piece


def returns(event: Any, context: Any) -> Any:
    return pieces(event)


def returns_async(event: Any, context: Any) -> Any:
    return apieces(event)


async def async_returns(event: Any, context: Any) -> Any:
    return pieces(event)


async def async_returns_async(event: Any, context: Any) -> Any:
    return apieces(event)


def body(event: Any, context: Any) -> Any:
    return everloop.http_stream(body=pieces(event))


async def async_body(event: Any, context: Any) -> Any:
    return everloop.http_stream(body=apieces(event))


def wsgi(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])
    return pieces(dict(parse_qsl(environ["QUERY_STRING"])))
