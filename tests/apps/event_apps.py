"""An ASGI application with an events path, and plain handlers beside it."""

import json
from typing import Any


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise RuntimeError("no lifespan")
    body = (await receive())["body"]
    status, answer = 200, b"page"
    if scope["path"] == "/events":
        event = json.loads(body)
        status = event.get("status", 200)
        answer = event.get(
            "answer", json.dumps({"method": scope["method"], "same": scope["aws.event"] == event})
        ).encode()
        if event.get("raise"):
            raise ValueError("broken on purpose")
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": answer})


def on_event(event: Any, context: Any) -> Any:
    return {"sync": event["n"]}


async def on_event_async(event: Any, context: Any) -> Any:
    return {"async": event["n"]}


def wsgi(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])
    return [environ["PATH_INFO"].encode()]


def given(event: Any, context: Any) -> Any:
    return {"event": event, "id": context.aws_request_id}


async def agiven(event: Any, context: Any) -> Any:
    return {"event": event, "id": context.aws_request_id}


def wsgi_events(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [])
    body = environ["wsgi.input"].read()
    return [json.dumps(not body or environ["aws.event"] == json.loads(body)).encode()]
