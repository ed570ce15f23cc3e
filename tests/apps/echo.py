"""Answers with what it was given: the scope and the body, as JSON."""

import json
from typing import Any

from messages import body, no_lifespan, start


def readable(value: Any) -> Any:
    match value:
        case bytes():
            return value.decode("latin-1")
        case dict():
            return {key: readable(item) for key, item in value.items()}
        case list() | tuple():
            return [readable(item) for item in value]
        case str() | int() | float() | None:
            return value
        case _:
            return repr(value)


async def app(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    content = b"".join(message["body"] for message in messages)
    seen = {"scope": readable(scope), "body": content.decode("latin-1"), "messages": len(messages)}
    await send(start(200, [(b"content-type", b"application/json")]))
    await send(body(json.dumps(seen).encode()))
