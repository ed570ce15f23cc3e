"""A Starlette application that waits 20 ms, as for a database: what concurrency is for."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def hello(request: Request) -> JSONResponse:
    await asyncio.sleep(0.02)
    return JSONResponse({"message": "hello world", "ok": True})


app = Starlette(routes=[Route("/hello", hello)])
