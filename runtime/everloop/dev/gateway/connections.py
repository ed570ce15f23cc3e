"""The `@connections` API: what a function says to a WebSocket client between and during its invocations.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

import time
from typing import Any, Protocol
from urllib.parse import unquote

import orjson
from starlette.types import Receive, Scope, Send

from everloop.dev.gateway.incoming import BodyTooLarge, ClientGone, read_body

MESSAGE_LIMIT = 131_072
"""Bytes of a message, in either direction."""


class Connection(Protocol):
    """An open WebSocket connection, as the API needs it."""

    async def post(self, text: str) -> None:
        """Send a message to the client. Raises `OSError` where it has gone."""

    async def close(self) -> None:
        """Close the connection."""

    def describe(self) -> dict[str, Any]:
        """Give `connectedAt`, `identity` and `lastActiveAt`."""


class Connections:
    """The connections that are open, by id. One is unknown until its `$connect` has been answered, and when it ends."""

    def __init__(self) -> None:
        self._open: dict[str, Connection] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection_id: str, connection: Connection) -> None:
        """Make a connection known."""
        self._open[connection_id] = connection

    def remove(self, connection_id: str) -> None:
        """Forget a connection."""
        self._open.pop(connection_id, None)

    async def serve(self, encoded_id: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for `/{stage}/@connections/{encoded_id}`. Signatures are not looked at."""
        status, document = await self._answer(unquote(encoded_id), scope, receive)
        headers = [(b"content-type", b"application/json")]
        if kind := _KINDS.get(status):
            headers.append((b"x-amzn-errortype", kind))
        body = b"" if document is None else orjson.dumps(document)
        if status != 204:
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, connection_id: str, scope: Scope, receive: Receive) -> tuple[int, dict[str, Any] | None]:
        if scope["method"] not in ("POST", "GET", "DELETE"):
            return 403, {"message": "Missing Authentication Token"}
        try:
            body = await read_body(scope, receive, MESSAGE_LIMIT)
        except (BodyTooLarge, ClientGone):
            return 413, {"message": f"A message may have {MESSAGE_LIMIT} bytes at most."}
        connection = self._open.get(connection_id)
        if connection is None:
            return 410, {"message": f"The connection {connection_id} is not open, or not yet."}
        match scope["method"]:
            case "GET":
                return 200, connection.describe()
            case "DELETE":
                self.remove(connection_id)
                await connection.close()
                return 204, None
            case _:
                try:
                    # A text frame whatever it is: nothing in this API asks for a binary one.
                    await connection.post(body.decode("utf-8", "replace"))
                except OSError:
                    self.remove(connection_id)
                    return 410, {"message": f"The connection {connection_id} has ended."}
                return 200, None


_KINDS = {
    403: b"MissingAuthenticationTokenException",
    410: b"GoneException",
    413: b"PayloadTooLargeException",
}


def iso(seconds: float) -> str:
    """Give a time as this API writes it: `2026-01-12T21:44:19.123Z`."""
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{text}.{int(seconds * 1000) % 1000:03d}Z"
