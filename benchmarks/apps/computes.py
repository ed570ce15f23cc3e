"""A Starlette application that computes for some milliseconds: what several processors are for."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def compute() -> int:
    """Keep one processor busy."""
    total = 0
    for number in range(60_000):
        total ^= number * number
    return total


async def hello(request: Request) -> JSONResponse:
    await asyncio.sleep(0)
    return JSONResponse({"message": "hello world", "total": compute()})


app = Starlette(routes=[Route("/hello", hello)])
