"""Takes its time to be imported: a little itself, more in a module that it imports."""

import time

import slow_imported
from messages import body, no_lifespan, start

assert slow_imported.__name__
time.sleep(0.4)


async def app(scope, receive, send):  # type: ignore[no-untyped-def]
    """Answers."""
    await no_lifespan(scope)
    await send(start())
    await send(body(b"at last"))
