"""The WebSocket API: which connections there are, from their handshakes to their ends.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api.html
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import Receive, Scope, Send

from everloop.dev.calls import Lambda
from everloop.dev.gateway.answers.answer import Answer
from everloop.dev.gateway.config import GatewayConfig
from everloop.dev.gateway.connections import Connections
from everloop.dev.gateway.incoming import request_of
from everloop.dev.gateway.websocket import Socket
from everloop.dev.journal import Journal

IDLE_SECONDS = 600.0
"""After which a connection on which nothing is said is closed."""

LIFE_SECONDS = 7200.0
"""After which a connection is closed in any case."""

FAREWELL_SECONDS = 1.0
"""That the connections get to end before a restart; those whose function hangs end after it."""


class Sockets:
    """What is the same for all connections of the API."""

    def __init__(
        self,
        function: Lambda,
        config: GatewayConfig,
        connections: Connections,
        journal: Journal,
        *,
        idle_seconds: float = IDLE_SECONDS,
        life_seconds: float = LIFE_SECONDS,
        farewell_seconds: float = FAREWELL_SECONDS,
    ) -> None:
        self._function = function
        self._config = config
        self._connections = connections
        self._journal = journal
        self._limits = idle_seconds, life_seconds
        self._farewell_seconds = farewell_seconds
        self._served: set[Socket] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._restarting = asyncio.Lock()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection from its handshake to its end."""
        connection = Socket(self._function, self._config, self._journal, request_of(scope), receive, send, self._limits)
        await receive()  # websocket.connect
        async with self._restarting:  # a client that is quick to come back is to find the new function
            self._served.add(connection)
        try:
            await self._serve(connection, scope, send)
        finally:
            self._served.remove(connection)
            connection.ended.set()

    async def _serve(self, connection: Socket, scope: Scope, send: Send) -> None:
        refused = await connection.connect()
        if refused is not None:
            await _deny(scope, send, refused)
            return
        # Before the handshake is answered, so that nobody who sees the connection open finds it unknown.
        self._connections.add(connection.peer.connection_id, connection)
        try:
            await connection.accept()
            code, reason = await connection.converse()
        finally:
            self._connections.remove(connection.peer.connection_id)
        await connection.disconnect(code, reason)

    @asynccontextmanager
    async def restart(self) -> AsyncIterator[None]:
        """Close all connections before the function changes, and hold handshakes up until it has.

        What the environments remember of the connections ends with them. They hear of the ends while they still do,
        unless they hang.
        """
        async with self._restarting:
            ending = {asyncio.create_task(connection.restart()) for connection in self._served}
            if ending:
                self._ending |= ending
                for task in ending:
                    task.add_done_callback(self._ending.discard)
                await asyncio.wait(ending, timeout=self._farewell_seconds)
            yield


async def _deny(scope: Scope, send: Send, refused: Answer) -> None:
    """Refuse a handshake, with its status where the server can send one; else it is 403."""
    if "websocket.http.response" in scope.get("extensions", {}):
        headers = [*refused.headers, (b"content-length", b"%d" % len(refused.body))]
        await send({"type": "websocket.http.response.start", "status": refused.status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": refused.body})
    else:
        await send({"type": "websocket.close"})
