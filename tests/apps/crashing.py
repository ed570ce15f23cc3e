"""Ends its process without a word on `/crash`; answers with the process's id elsewhere."""

import os
from typing import Any

from messages import body, no_lifespan, start


async def app(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    if scope["path"] == "/crash":
        os._exit(3)
    await send(start())
    await send(body(str(os.getpid()).encode()))
