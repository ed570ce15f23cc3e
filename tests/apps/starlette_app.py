"""A Starlette application: middleware, cookies, redirects, errors, files."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route


async def cookies(request: Request) -> Response:
    answer = JSONResponse({"cookies": request.cookies, "url": str(request.url)})
    answer.set_cookie("first", "1")
    answer.set_cookie("second", "2")
    return answer


async def redirect(request: Request) -> Response:
    return RedirectResponse("/elsewhere")


async def long_text(request: Request) -> Response:
    return PlainTextResponse("all work and no play " * 1000)


async def file(request: Request) -> Response:
    return FileResponse(Path(__file__))


async def fail(request: Request) -> Response:
    raise ZeroDivisionError("in a route")


app = Starlette(
    routes=[
        Route("/cookies", cookies),
        Route("/redirect", redirect),
        Route("/long", long_text),
        Route("/file", file),
        Route("/fail", fail),
    ],
    middleware=[Middleware(GZipMiddleware, minimum_size=500)],
)
