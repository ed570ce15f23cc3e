"""Starlette's files, and `http.response.pathsend` used by hand; `FILE` names the file."""

import os
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from messages import body, no_lifespan, start

FILE = os.environ["FILE"]


async def file(request: Request) -> Response:
    return FileResponse(FILE, media_type="application/octet-stream")


async def extensions(request: Request) -> Response:
    return JSONResponse(request.scope["extensions"])


async def passes_on(request: Request, call_next: RequestResponseEndpoint) -> Response:
    return await call_next(request)


routes = [
    Route("/file", file),
    Route("/extensions", extensions),
    Mount("/static", StaticFiles(directory=Path(FILE).parent)),
]
app = Starlette(routes=routes)
behind_middleware = Starlette(
    routes=routes, middleware=[Middleware(BaseHTTPMiddleware, dispatch=passes_on), Middleware(GZipMiddleware)]
)


async def without_pathsend(scope: Any, receive: Any, send: Any) -> None:
    """The same on a server without the extension: Starlette reads the files."""
    if scope["type"] == "http":
        scope["extensions"].clear()
    await app(scope, receive, send)


async def shrinking(scope: Any, receive: Any, send: Any) -> None:
    """Sends a file that loses all but as many bytes as the query says between its head and its first piece."""
    await no_lifespan(scope)
    size = os.stat(FILE).st_size  # noqa: PTH116 - as Starlette asks for it
    await send(start(headers=[(b"content-length", b"%d" % size)]))
    os.truncate(FILE, int(scope["query_string"]))
    await send({"type": "http.response.pathsend", "path": FILE})


async def by_hand(scope: Any, receive: Any, send: Any) -> None:
    """Sends the file that the query names, by pathsend; prints what `send()` raises."""
    await no_lifespan(scope)
    await send(start())
    path = scope["query_string"].decode() or FILE
    try:
        if scope["path"] == "/body-first":
            await send(body(b"half", more=True))
        await send({"type": "http.response.pathsend", "path": None if scope["path"] == "/no-path" else path})
    except Exception as error:
        print("send raised", type(error).__name__, isinstance(error, OSError), error, flush=True)
        raise
    print("sent", flush=True)
