"""A yardstick: the least that a client in Python can do for the ASGI application that its argument names.

It parses, calls the application and encodes: no errors, deadline, lifespan, streams, logs, and one event source alone.
"""

import asyncio
import gc
import importlib
import os
import sys
from typing import Any, cast

import httptools
import orjson
import uvloop

NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"
RESPONSE = (
    b"POST /2018-06-01/runtime/invocation/%b/response HTTP/1.1\r\nHost: x\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" + NEXT
)


class Client(asyncio.Protocol):
    """One connection, one invocation at a time."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self.lost = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(NEXT)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(None)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name] = value

    def on_body(self, piece: bytes) -> None:
        self._body.append(piece)

    def on_message_complete(self) -> None:
        headers, self._headers = self._headers, {}
        body, self._body = self._body, []
        if self._parser.get_status_code() == 200:
            answer = self._answer(headers[b"Lambda-Runtime-Aws-Request-Id"], b"".join(body))
            if sys.version_info >= (3, 12):
                asyncio.Task(answer, loop=self._loop, eager_start=True)
            else:
                self._task = self._loop.create_task(answer)

    async def _answer(self, request_id: bytes, payload: bytes) -> None:
        event = orjson.loads(payload)
        context = event["requestContext"]
        path = event["rawPath"]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": "1.1",
            "method": context["http"]["method"],
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": event.get("rawQueryString", "").encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in event["headers"].items()],
            "client": (context["http"]["sourceIp"], 0),
            "server": (context["domainName"], 443),
            "extensions": {},
            "state": {},
            "aws.event": event,
        }
        head: Any = None
        pieces: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            nonlocal head
            if message["type"] == "http.response.start":
                head = message
            else:
                pieces.append(message["body"])

        await self._app(scope, receive, send)
        envelope = orjson.dumps(
            {
                "statusCode": head["status"],
                "headers": {name.decode(): value.decode() for name, value in head["headers"]},
                "body": b"".join(pieces).decode(),
                "isBase64Encoded": False,
            }
        )
        self._transport.write(RESPONSE % (request_id, len(envelope), envelope))


async def main(target: str) -> None:
    module, _, name = target.partition(":")
    app = getattr(importlib.import_module(module), name)
    host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
    loop = asyncio.get_running_loop()
    slots = int(os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY", "1"))
    clients = [(await loop.create_connection(lambda: Client(app), host, int(port)))[1] for _ in range(slots)]
    gc.freeze()
    await asyncio.wait([client.lost for client in clients])


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
