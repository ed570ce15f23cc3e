"""The same answer from Starlette."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def hello(request: Request) -> JSONResponse:
    return JSONResponse({"message": "hello world", "ok": True})


app = Starlette(routes=[Route("/hello", hello)])
