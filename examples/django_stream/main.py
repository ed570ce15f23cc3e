"""Django under ASGI, in one file: a response from an asynchronous iterator, and one from a synchronous iterator.

Django consumes a synchronous iterator whole before it sends the first piece (and warns), because it cannot wait for it
on the loop. Write `async def` where pieces have to leave as they are made.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="an example has none", DEBUG=False)  # noqa: S106


async def asynchronous(_: HttpRequest) -> StreamingHttpResponse:
    async def lines() -> AsyncIterator[str]:
        for number in range(3):
            yield f"line {number}\n"
            await asyncio.sleep(0.05)

    return StreamingHttpResponse(lines(), content_type="text/plain")


def synchronous(_: HttpRequest) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        for number in range(3):
            yield f"line {number}\n"

    return StreamingHttpResponse(lines(), content_type="text/plain")


urlpatterns = [path("async", asynchronous), path("sync", synchronous)]
app = get_asgi_application()
