"""An event source of the user's own: the example of docs/event-sources.md, and an application behind it."""

import json
from contextlib import suppress
from typing import Any

from everloop.exchange import HttpRequest, ResponseHead
from everloop.sources.base import EventSource


class IotRule(EventSource):
    """Rules of AWS IoT with `SELECT *, topic() AS topic`: a POST to the topic."""

    name = "iot-rule"

    def matches(self, event: dict[str, Any]) -> bool:
        return "topic" in event and "deviceId" in event

    def decode(self, event: dict[str, Any]) -> HttpRequest:
        path = f"/iot/{event['topic']}"
        headers = [(b"content-type", b"application/json")]
        return HttpRequest(
            method="POST", path=path, raw_path=path.encode(), headers=headers, body=json.dumps(event).encode()
        )

    def encode(self, event: dict[str, Any], head: ResponseHead, body: str, is_base64: bool) -> Any:
        return {"accepted": head.status < 300, "answer": body}


class AppSync:
    """A direct Lambda resolver, without inheriting anything: a GET for each field."""

    name = "appsync"

    def matches(self, event: dict[str, Any]) -> bool:
        return "info" in event and "fieldName" in event["info"]

    def decode(self, event: dict[str, Any]) -> HttpRequest:
        path = f"/{event['info']['parentTypeName']}/{event['info']['fieldName']}"
        query = "&".join(f"{name}={value}" for name, value in event["arguments"].items())
        return HttpRequest(method="GET", path=path, raw_path=path.encode(), headers=[], query_string=query.encode())

    def encode(self, event: dict[str, Any], head: ResponseHead, body: str, is_base64: bool) -> Any:
        return json.loads(body) if head.status == 200 else None


class Raising(IotRule):
    """A source with a mistake in it."""

    name = "raising"

    def decode(self, event: dict[str, Any]) -> HttpRequest:
        raise ZeroDivisionError("in decode")


class CannotEncode(IotRule):
    """A source with a mistake in its answers."""

    name = "cannot-encode"

    def encode(self, event: dict[str, Any], head: ResponseHead, body: str, is_base64: bool) -> Any:
        raise ZeroDivisionError("in encode")


class Unfinished(EventSource):
    """Lacks what every source must have."""


class Nearly:
    """Has methods, and no name."""

    def matches(self, event: dict[str, Any]) -> bool:
        return False

    decode = encode = matches


class NeedsArguments(IotRule):
    def __init__(self, table: str) -> None:
        self.table = table


ready = IotRule()


async def careless(scope: Any, receive: Any, send: Any) -> None:
    """Whatever `send()` raises, it goes on."""
    with suppress(Exception):
        await app(scope, receive, send)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        raise RuntimeError("no lifespan")
    body = (await receive())["body"].decode()
    seen = [scope["method"], scope["path"], scope["query_string"].decode(), body]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})
