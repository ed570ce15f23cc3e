"""The ASGI messages that most of the applications here send."""

from collections.abc import Iterable
from typing import Any

Headers = Iterable[tuple[bytes, bytes]]
TEXT = ((b"content-type", b"text/plain"),)


def start(status: int = 200, headers: Headers = TEXT) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def no_lifespan(scope: Any) -> None:
    """What an application that does not know lifespan does with it."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
