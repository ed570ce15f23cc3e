"""The smallest application: ASGI itself, without a framework. Its handler is `main:app`."""

from urllib.parse import parse_qs


async def app(scope, receive, send):
    """Greet over HTTP, and take part in the lifespan."""
    if scope["type"] == "lifespan":  # once per process: what is opened here stays open from request to request
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return

    # An ordinary ASGI scope. What is Lambda's own lies beside it: scope["aws.event"], scope["aws.context"].
    name = parse_qs(scope["query_string"].decode()).get("name", ["world"])[0]
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": f"Hello, {name}!\n".encode()})
