"""Starlette's StreamingResponse over generators that say when they are closed; the path chooses one."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator

from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from gates import gate


async def waits() -> AsyncIterator[bytes]:
    """One piece, then nothing for a minute; cleaning up takes 50 ms."""
    try:
        yield b"half"
        await asyncio.sleep(60)
    finally:
        print("generator closing", flush=True)
        await asyncio.sleep(0.05)
        print("generator closed", flush=True)


async def floods() -> AsyncIterator[bytes]:
    """Pieces without end: its consumer is stopped at a `yield`."""
    try:
        while True:
            yield b"x" * 65536
    finally:
        print("generator closing", flush=True)
        await asyncio.sleep(0.05)
        print("generator closed", flush=True)


def blocks() -> Iterator[bytes]:
    """A synchronous generator, which Starlette runs in threads."""
    try:
        while True:
            yield b"x"
            time.sleep(0.02)
    finally:
        print("generator closing", flush=True)
        print("generator closed", flush=True)


async def silent() -> AsyncIterator[bytes]:
    """Server-sent comments, `PERIOD` seconds apart, for `SECONDS`."""
    end = time.monotonic() + float(os.environ["SECONDS"])
    yield b"data: begins\n\n"
    while time.monotonic() < end:
        await asyncio.sleep(float(os.environ["PERIOD"]))
        yield b": keep-alive\n\n"
    yield b"data: ends\n\n"


async def gated() -> AsyncIterator[bytes]:
    """Three lines, each when its gate opens."""
    for number in range(3):
        await gate(f"line{number}")
        yield f"line {number}, much like every other line\n".encode() * 20


async def raises() -> AsyncIterator[bytes]:
    """One piece, then an exception."""
    yield b"half"
    await asyncio.sleep(0)
    raise LookupError("in mid-stream")


def raises_in_a_thread() -> Iterator[bytes]:
    """The same, in a synchronous generator."""
    yield b"half"
    raise LookupError("in mid-stream")


KINDS: dict[str, Callable[[], AsyncIterator[bytes] | Iterator[bytes]]] = {
    "waits": waits,
    "floods": floods,
    "blocks": blocks,
    "silent": silent,
    "gated": gated,
    "raises": raises,
    "raises-in-a-thread": raises_in_a_thread,
}


def streams(request: Request) -> Response:
    return StreamingResponse(KINDS[request.path_params["kind"]](), media_type="text/plain")


def listens(request: Request) -> Response:
    """What waits for the disconnect beside its generator."""
    return EventSourceResponse(waits())


async def fails() -> None:
    raise LookupError("in a background task")


def background(request: Request) -> Response:
    return PlainTextResponse("whole", background=BackgroundTask(fails))


async def passes_on(request: Request, call_next: RequestResponseEndpoint) -> Response:
    return await call_next(request)


routes = [Route("/background", background), Route("/listens", listens), Route("/{kind}", streams)]
app = Starlette(routes=routes)
behind_middleware = Starlette(routes=routes, middleware=[Middleware(BaseHTTPMiddleware, dispatch=passes_on)])
compressed = Starlette(routes=routes, middleware=[Middleware(GZipMiddleware, minimum_size=1)])
