"""Answers with what the query asks for: status, size, headers. One application for all fixed answers."""

from typing import Any
from urllib.parse import parse_qs

from messages import body, no_lifespan, start


async def app(scope: Any, receive: Any, send: Any) -> None:
    """`?status=204&text=hello&size=1000&name=header name&value=header value` (repeated ones in pairs)."""
    await no_lifespan(scope)
    query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    status = int(query.get("status", ["200"])[0])
    text = query.get("text", ["hello"])[0].encode()
    size = query.get("size")
    content = b"x" * int(size[0]) if size else text
    pairs = zip(query.get("name", ["content-type"]), query.get("value", ["text/plain"]), strict=True)
    await send(start(status, [(name.encode(), value.encode()) for name, value in pairs]))
    await send(body(content))


async def huge_head(scope: Any, receive: Any, send: Any) -> None:
    """A head of `?size=` bytes in one header, and a body."""
    await no_lifespan(scope)
    size = int(parse_qs(scope["query_string"].decode())["size"][0])
    await send(start(200, [(b"content-type", b"text/plain"), (b"x-large", b"x" * size)]))
    await send(body(b"never with such a head"))
