"""WebSocket connections: each frame is an event, and what the function says comes through `@connections`.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api.html
"""

import asyncio
import os
import time
from contextlib import suppress
from typing import Any

import orjson
from starlette.types import Message, Receive, Scope, Send

from everloop.dev.calls import Call, CallFailed, Lambda
from everloop.dev.events.request import Arrival, ClientRequest, short_id
from everloop.dev.events.websocket import Peer, encode_connect, encode_disconnect, encode_message
from everloop.dev.gateway.answers.answer import Answer, MalformedAnswer, body_of, single_headers, status_of
from everloop.dev.gateway.config import GatewayConfig
from everloop.dev.gateway.connections import MESSAGE_LIMIT, Connections, iso
from everloop.dev.gateway.incoming import request_of

IDLE_SECONDS = 600.0
"""After which a connection on which nothing is said is closed."""

LIFE_SECONDS = 7200.0
"""After which a connection is closed in any case."""

UNDER_WAY = 100
"""Messages of one connection that may be on their way to the function; the next is read when one has come back."""


class Sockets:
    """The WebSocket API: what is the same for all of its connections."""

    def __init__(
        self,
        function: Lambda,
        config: GatewayConfig,
        connections: Connections,
        *,
        idle_seconds: float = IDLE_SECONDS,
        life_seconds: float = LIFE_SECONDS,
    ) -> None:
        self._function = function
        self._config = config
        self._connections = connections
        self._limits = idle_seconds, life_seconds

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection from its handshake to its end."""
        connection = Socket(self._function, self._config, request_of(scope), receive, send, self._limits)
        await receive()  # websocket.connect
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


class Socket:
    """One connection."""

    def __init__(
        self,
        function: Lambda,
        config: GatewayConfig,
        request: ClientRequest,
        receive: Receive,
        send: Send,
        limits: tuple[float, float],
    ) -> None:
        now = time.time()
        self.peer = Peer(
            connection_id=short_id(os.urandom(11)),
            connected_at=now,
            ip=request.ip,
            user_agent=request.header("user-agent"),
            stage=config.websocket_stage,
        )
        self._function = function
        self._config = config
        self._request = request
        self._receive = receive
        self._send = send
        self._idle_seconds, self._life_seconds = limits
        self._active_at = now
        self._subprotocol: str | None = None
        self._is_open = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(UNDER_WAY)

    # What the function says.

    async def post(self, data: str | bytes) -> None:
        """Send a message to the client. Raises `OSError` where it has gone."""
        if not self._is_open:
            raise ConnectionResetError("the connection has ended")
        self._active_at = time.time()
        key = "text" if isinstance(data, str) else "bytes"
        try:
            await self._send({"type": "websocket.send", key: data})
        except Exception as error:  # each ASGI server raises its own exception here
            raise ConnectionResetError("the connection has ended") from error

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection."""
        if self._is_open:
            self._is_open = False
            await self._send({"type": "websocket.close", "code": code, "reason": reason})

    def describe(self) -> dict[str, Any]:
        """Give what `GET @connections` tells."""
        return {
            "connectedAt": iso(self.peer.connected_at),
            "identity": {"sourceIp": self.peer.ip, "userAgent": self.peer.user_agent},
            "lastActiveAt": iso(self._active_at),
        }

    # What the client says.

    async def connect(self) -> Answer | None:
        """Ask the function whether it takes the connection; give the refusal where it does not."""
        event = encode_connect(self._request, self.peer, self._config.front_end, Arrival.now())
        target = f"{self._request.path}?{self._request.query}" if self._request.query else self._request.path
        try:
            envelope = await self._invoke(event, "$connect", f"$connect {target}")
            status = status_of(envelope.get("statusCode"))
            headers = dict(single_headers(envelope.get("headers")))
        except (CallFailed, MalformedAnswer) as error:
            kind = error.error_type if isinstance(error, CallFailed) else "Gateway.MalformedAnswer"
            refused = Answer(502, [(b"content-type", b"application/json")], b'{"message": "Internal server error"}')
            refused.headers.append((b"x-everloop-error", kind.encode("ascii", "replace")))
            return refused
        if not 200 <= status < 300:
            return Answer(status if status >= 400 else 403, [(b"content-type", b"application/json")], b"")
        chosen = headers.get(b"sec-websocket-protocol")
        self._subprotocol = chosen.decode("latin-1") if chosen else None
        return None

    async def accept(self) -> None:
        """Complete the handshake."""
        self._is_open = True
        await self._send({"type": "websocket.accept", "subprotocol": self._subprotocol, "headers": []})

    async def converse(self) -> tuple[int, str]:
        """Hand on messages until the connection ends; give its code and reason."""
        while True:
            message = await self._next_message()
            if message["type"] == "websocket.disconnect":
                self._is_open = False
                return message.get("code") or 1005, message.get("reason") or ""
            text = message.get("text")
            data: str | bytes = message.get("bytes") or b"" if text is None else text
            if (len(data.encode("utf-8", "replace")) if isinstance(data, str) else len(data)) > MESSAGE_LIMIT:
                await self.close(1009, "Message too big")
                continue
            await self._room.acquire()
            task = asyncio.create_task(self._deliver(data))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _next_message(self) -> Message:
        """Wait for a message, at most as long as API Gateway keeps a silent connection."""
        while True:
            try:
                async with asyncio.timeout(max(0.0, self._ends_at - time.time()) if self._is_open else None):
                    message = await self._receive()
            except TimeoutError:
                if time.time() >= self._ends_at:
                    await self.close(1001, "Going away")
            else:
                self._active_at = time.time()
                return message

    @property
    def _ends_at(self) -> float:
        """When the connection is closed, as it looks now: silent for too long, or too old."""
        return min(self._active_at + self._idle_seconds, self.peer.connected_at + self._life_seconds)

    async def _deliver(self, data: str | bytes) -> None:
        """Give a message to the function; its answer goes to the client only where the route has a response."""
        route = self._route_of(data)
        arrival = Arrival.now()
        event = encode_message(data, route, short_id(os.urandom(11)), self.peer, self._config.front_end, arrival)
        shown = data if isinstance(data, str) else f"{len(data)} bytes"
        try:
            envelope = await self._invoke(event, route, f"{route} {shown[:100]}")
            if route in self._config.route_responses and self._is_open:
                await self.post(body_of(envelope).decode("utf-8", "replace"))
        except CallFailed:
            await self._tell_failure(arrival)
        except MalformedAnswer:
            if route in self._config.route_responses:
                await self._tell_failure(arrival)
        except OSError:
            pass  # the client has gone: its $disconnect comes as well
        finally:
            self._room.release()

    async def disconnect(self, code: int, reason: str) -> None:
        """Tell the function that the connection has ended. What is still on its way to it comes first."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        event = encode_disconnect(code, reason, self.peer, self._config.front_end, Arrival.now())
        with suppress(CallFailed, MalformedAnswer):  # nobody is left to be told; the journal has it
            await self._invoke(event, "$disconnect", f"$disconnect {code}")

    async def _tell_failure(self, arrival: Arrival) -> None:
        """Tell the client what API Gateway tells it."""
        document = {
            "message": "Internal server error",
            "connectionId": self.peer.connection_id,
            "requestId": arrival.extended_id,
        }
        with suppress(OSError):  # the client has gone
            await self.post(orjson.dumps(document).decode())

    def _route_of(self, data: str | bytes) -> str:
        """Select the route: the one that a key of a JSON message names, else `$default`."""
        if self._config.routes:
            try:
                document = orjson.loads(data)
            except ValueError:
                return "$default"
            route = document.get(self._config.route_selection) if isinstance(document, dict) else None
            if isinstance(route, str) and route in self._config.routes:
                return route
        return "$default"

    async def _invoke(self, event: dict[str, Any], route: str, label: str) -> dict[str, Any]:
        """Call the function and give its envelope. Raises `CallFailed`, `MalformedAnswer`."""
        call = Call(payload=orjson.dumps(event), source="websocket", label=label)
        execution = await self._function.call(call)
        await execution.begun()
        payload = await execution.payload()
        try:
            envelope = orjson.loads(payload)
        except ValueError as error:
            raise MalformedAnswer(f"The function returned no JSON: {error}.") from error
        if route == "$connect" and not isinstance(envelope, dict):
            raise MalformedAnswer("The function must answer $connect with an object that has a statusCode.")
        return envelope if isinstance(envelope, dict) else {}


async def _deny(scope: Scope, send: Send, refused: Answer) -> None:
    """Refuse a handshake, with its status where the server can send one; else it is 403."""
    if "websocket.http.response" in scope.get("extensions", {}):
        headers = [*refused.headers, (b"content-length", b"%d" % len(refused.body))]
        await send({"type": "websocket.http.response.start", "status": refused.status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": refused.body})
    else:
        await send({"type": "websocket.close"})
