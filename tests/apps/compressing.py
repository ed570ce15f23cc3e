"""Django with its GZipMiddleware, as an ASGI and as a WSGI application: a page, and a stream in three lines."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

from gates import gate

LINES = [f"line {number}, much like every other line\n".encode() * 20 for number in range(3)]

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="no secret",
    DEBUG=False,
    MIDDLEWARE=["django.middleware.gzip.GZipMiddleware"],
)


def page(request: Any) -> HttpResponse:
    return HttpResponse(b"".join(LINES), content_type="text/plain")


async def astream(request: Any) -> StreamingHttpResponse:
    async def lines() -> AsyncIterator[bytes]:
        for number, line in enumerate(LINES):
            await gate(f"line{number}")
            yield line
            await asyncio.sleep(0)

    return StreamingHttpResponse(lines(), content_type="text/plain")


def stream(request: Any) -> StreamingHttpResponse:
    def lines() -> Iterator[bytes]:
        for number, line in enumerate(LINES):
            while not Path(os.environ["GATES"], f"line{number}").exists():
                time.sleep(0.002)
            yield line

    return StreamingHttpResponse(lines(), content_type="text/plain")


urlpatterns = [path("page", page), path("astream", astream), path("stream", stream)]
asgi = get_asgi_application()
wsgi = get_wsgi_application()
