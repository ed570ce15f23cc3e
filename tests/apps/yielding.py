"""Handlers that stream what they yield."""

import asyncio
import contextlib
import functools
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import everloop

HEADERS = {"Content-Type": "text/plain", "X-Many": ["1", "2"]}


def pieces(event: Any, context: Any) -> Iterator[str | bytes]:
    yield "héllo "
    yield b""
    yield "world"


async def apieces(event: Any, context: Any) -> AsyncIterator[str | bytes]:
    yield "héllo "
    await asyncio.sleep(0)
    yield b""
    yield "world"


def raw(event: Any, context: Any) -> Iterator[bytes]:
    yield b"\x00"
    yield b"\xff"


def returns_generator(event: Any, context: Any) -> Iterator[str | bytes]:
    return pieces(event, context)


async def returns_async_generator(event: Any, context: Any) -> AsyncIterator[str | bytes]:
    return apieces(event, context)


def plain_returns_async(event: Any, context: Any) -> Any:
    return apieces(event, context)


def with_head(event: Any, context: Any) -> Iterator[Any]:
    yield everloop.http_stream(201, HEADERS, ["a=1", "b=2"])
    yield "made"


async def awith_head(event: Any, context: Any) -> AsyncIterator[Any]:
    yield everloop.http_stream(201, HEADERS, ["a=1", "b=2"])
    yield "made"


def told_when_closed(event: Any, context: Any) -> Iterator[Any]:
    try:
        yield everloop.http_stream(200, HEADERS)
        yield "made"
        yield "more"
        print("ran to its end", flush=True)
    finally:
        print("generator closed", flush=True)


async def atold_when_closed(event: Any, context: Any) -> AsyncIterator[Any]:
    for piece in told_when_closed(event, context):
        yield piece


async def without_an_end(event: Any, context: Any) -> AsyncIterator[Any]:
    yield everloop.http_stream(200, HEADERS)
    try:
        while True:
            yield "x"
    finally:
        print("generator closed", flush=True)


def returned_head(event: Any, context: Any) -> Any:
    return everloop.http_stream(201, HEADERS, ["a=1", "b=2"], "made")


def head_alone(event: Any, context: Any) -> Iterator[Any]:
    yield everloop.http_stream(204)


def nothing(event: Any, context: Any) -> Iterator[str]:
    yield from ()


def wrong(event: Any, context: Any) -> Iterator[Any]:
    yield {"no": "text"}


def fails(event: Any, context: Any) -> Iterator[str]:
    yield "begun"
    raise ValueError("in the middle")


async def afails(event: Any, context: Any) -> AsyncIterator[str]:
    yield "begun"
    raise ValueError("in the middle")


def gated(event: Any, context: Any) -> Iterator[str]:
    yield "first"
    while not Path(os.environ["GATES"], "go").exists():
        time.sleep(0.002)
    yield "second"


def mark_closed() -> None:
    Path(os.environ["CLOSED"]).write_text("closed", encoding="utf-8")


async def closes(event: Any, context: Any) -> AsyncIterator[str]:
    try:
        while True:
            yield "x" * 1000
            await asyncio.sleep(0.001)
    finally:
        mark_closed()


def closes_too(event: Any, context: Any) -> Iterator[str]:
    try:
        while True:
            yield "x" * 1000
            time.sleep(0.001)
    finally:
        mark_closed()


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


@decorated
async def decorated_async(event: Any, context: Any) -> Any:
    await asyncio.sleep(0)
    invocation = everloop.current_invocation()
    return invocation and invocation.request_id == context.aws_request_id


async def slow(event: Any, context: Any) -> None:
    print("slow one begins", flush=True)
    try:
        await asyncio.sleep(60)
    finally:
        print("slow one stopped", flush=True)


def plain_returns_slow(event: Any, context: Any) -> Any:
    return slow(event, context)


async def stubborn(event: Any, context: Any) -> str:
    while not event.get("quick"):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
    return "quick"


def plain_returns_stubborn(event: Any, context: Any) -> Any:
    return stubborn(event, context)


client: asyncio.AbstractEventLoop | None = None


async def same_loop(event: Any, context: Any) -> bool:
    global client
    known, client = client, asyncio.get_running_loop()
    return known is client
