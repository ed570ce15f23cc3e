"""The yardstick for streaming: a bare uvloop protocol that posts the same bytes, and knows nothing else of Lambda."""

import asyncio
import os
import re
from typing import cast

import uvloop

from benchmarks.apps.large import COUNT, MESSAGE, first_message

POLL = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"
START = (
    b"POST /2018-06-01/runtime/invocation/%b/response HTTP/1.1\r\nHost: x\r\n"
    b"Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n"
)
SIZE = b"%x\r\n" % len(MESSAGE)
REQUEST_ID = re.compile(rb"Request-Id: (\S+)")


class Client(asyncio.Protocol):
    """Streams an answer to every event, with flow control."""

    def __init__(self) -> None:
        self.lost = asyncio.get_running_loop().create_future()
        self._may_write = asyncio.Event()
        self._may_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(POLL)

    def data_received(self, data: bytes) -> None:
        # The referee sends an event's head in one piece; what is not an event is the 202 for a response.
        if found := REQUEST_ID.search(data):
            self._task = asyncio.create_task(self._stream(found[1]))

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(None)

    async def _stream(self, request_id: bytes) -> None:
        write = self._transport.writelines
        first = first_message()
        write((START % request_id, b"%x\r\n" % len(first), first, b"\r\n"))
        for _ in range(COUNT - 1):
            if not self._may_write.is_set():
                await self._may_write.wait()
            write((SIZE, MESSAGE, b"\r\n"))
        self._transport.write(b"0\r\n\r\n" + POLL)


async def main() -> None:
    host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
    _, client = await asyncio.get_running_loop().create_connection(Client, host, int(port))
    await client.lost


uvloop.run(main())
