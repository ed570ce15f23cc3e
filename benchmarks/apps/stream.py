"""An ASGI application that streams."""

from typing import Any

from benchmarks.apps.large import COUNT, MESSAGE, first_message

HEADERS = [(b"content-type", b"application/octet-stream")]


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": first_message(), "more_body": True})
    for _ in range(COUNT - 2):
        await send({"type": "http.response.body", "body": MESSAGE, "more_body": True})
    await send({"type": "http.response.body", "body": MESSAGE})
