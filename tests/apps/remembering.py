"""An application that keeps who asks in a context variable, as frameworks and loggers do."""

from contextvars import ContextVar
from typing import Any

from gates import gate

user: ContextVar[str] = ContextVar("user", default="nobody")


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer who was known before this request, which is of a user by its path; `/waits` tells, and waits."""
    before = user.get()
    user.set(scope["path"])
    if scope["path"] == "/waits":
        print("waiting", flush=True)
        await gate("answer")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": before.encode()})
