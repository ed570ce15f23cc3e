"""Brotli: brotli-asgi's middleware around Starlette, and Litestar's own; a page, a stream in three lines, a file."""

import os
from collections.abc import AsyncIterator

from brotli_asgi import BrotliMiddleware
from litestar import Litestar, MediaType, get
from litestar.config.compression import CompressionConfig
from litestar.response import Stream
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from gates import gate

LINES = [f"line {number}, much like every other line\n".encode() * 20 for number in range(3)]


async def lines() -> AsyncIterator[bytes]:
    for number, line in enumerate(LINES):
        await gate(f"line{number}")
        yield line


async def page(request: Request) -> Response:
    return PlainTextResponse(b"".join(LINES))


async def stream(request: Request) -> Response:
    return StreamingResponse(lines(), media_type="text/event-stream" if "events" in request.url.path else "text/plain")


async def file(request: Request) -> Response:
    return FileResponse(os.environ["FILE"], media_type="application/octet-stream")


starlette = Starlette(
    routes=[
        Route("/page", page),
        Route("/stream", stream),
        Route("/events", stream),
        Route("/static/file", file),
        Route("/file", file),
    ],
    middleware=[Middleware(BrotliMiddleware, excluded_handlers=["^/static/"])],
)


@get("/page", media_type=MediaType.TEXT)
async def litestar_page() -> str:
    return b"".join(LINES).decode()


@get(["/stream", "/events"], media_type=MediaType.TEXT)
async def litestar_stream() -> Stream:
    return Stream(lines())


litestar = Litestar([litestar_page, litestar_stream], compression_config=CompressionConfig(backend="brotli"))
