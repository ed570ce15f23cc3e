"""One WebSocket connection: each message is an event, and what the function says comes through `@connections`.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api.html
"""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
from starlette.types import Message, Receive, Send

from everloop.dev.calls import Call, CallFailed, Execution, Lambda
from everloop.dev.events.request import Arrival, ClientRequest, short_id
from everloop.dev.events.websocket import Peer, encode_connect, encode_disconnect, encode_message
from everloop.dev.gateway.answers.answer import Answer, MalformedAnswer, body_of, single_headers, status_of
from everloop.dev.gateway.config import GatewayConfig
from everloop.dev.gateway.connections import MESSAGE_LIMIT, iso
from everloop.dev.gateway.problems import malformed
from everloop.dev.journal import Journal, Record

UNDER_WAY = 100
"""Messages of one connection that may be on their way to the function; the next is read when one has come back."""

RESTART = 1012, "The function was loaded anew: connect again"
"""How the client's connection ends when the function changes: "service restart"."""


class Socket:
    """One connection."""

    def __init__(
        self,
        function: Lambda,
        config: GatewayConfig,
        journal: Journal,
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
        self._journal = journal
        self._request = request
        self._receive = receive
        self._send = send
        self._idle_seconds, self._life_seconds = limits
        self._active_at = now
        self._subprotocol: str | None = None
        self._is_open = False
        self._is_restarting = False
        self.ended = asyncio.Event()
        """Set by who serves the connection, when all is done."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(UNDER_WAY)

    # What the function says.

    async def post(self, text: str) -> None:
        """Send a message to the client. Raises `OSError` where it has gone."""
        if not self._is_open:
            raise ConnectionResetError("the connection has ended")
        self._active_at = time.time()
        try:
            await self._send({"type": "websocket.send", "text": text})
        except Exception as error:  # each ASGI server raises its own exception here
            raise ConnectionResetError("the connection has ended") from error

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection."""
        if self._is_open:
            self._is_open = False
            with suppress(Exception):  # each ASGI server raises its own where the client has gone by itself
                await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def restart(self) -> None:
        """Close the connection because the function changes, as soon as it is open; wait until the function knows."""
        self._is_restarting = True
        await self.close(*RESTART)
        await self.ended.wait()

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
        execution = await self._call(event, f"$connect {target}", _status_of_connect)
        try:
            status, headers = _opening(await _payload_of(execution))
        except (CallFailed, MalformedAnswer) as error:
            kind = error.error_type if isinstance(error, CallFailed) else "Gateway.MalformedAnswer"
            refused = Answer(502, [(b"content-type", b"application/json")], b'{"message": "Internal server error"}')
            refused.headers.append((b"x-everloop-error", kind.encode("ascii", "replace")))
            self._note(execution.record, error)
            return refused
        if status != 200:
            return Answer(status, [(b"content-type", b"application/json")], b"")
        chosen = headers.get(b"sec-websocket-protocol")
        self._subprotocol = chosen.decode("latin-1") if chosen else None
        return None

    async def accept(self) -> None:
        """Complete the handshake."""
        self._is_open = True
        await self._send({"type": "websocket.accept", "subprotocol": self._subprotocol, "headers": []})
        if self._is_restarting:
            await self.close(*RESTART)

    async def converse(self) -> tuple[int, str]:
        """Hand on messages until the connection ends; give its code and reason."""
        while True:
            message = await self._next_message()
            if message["type"] == "websocket.disconnect":
                self._is_open = False
                return self._end_of(message)
            text = message.get("text")
            if text is None:
                await self.close(1003, "Binary frames are not supported")
                continue
            if len(text.encode("utf-8", "replace")) > MESSAGE_LIMIT:
                await self.close(1009, "Message too big")
                continue
            await self._room.acquire()
            task = asyncio.create_task(self._deliver(text))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _end_of(self, message: Message) -> tuple[int, str]:
        """Give the code and reason that the function is told."""
        code, reason = message.get("code") or 1005, message.get("reason")
        if self._is_restarting and code == RESTART[0]:
            return 1001, "Going away"  # for the function 1012 says that the connection goes on
        if code == 1005 and reason is None:
            return 1006, ""  # uvicorn gives a reason, if an empty one, where there was a close frame
        return code, reason or ""

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

    async def _deliver(self, text: str) -> None:
        """Give a message to the function; its answer goes to the client only where the route has a response."""
        route = self._route_of(text)
        arrival = Arrival.now()
        event = encode_message(text, route, short_id(os.urandom(11)), self.peer, self._config.front_end, arrival)
        execution = await self._call(event, f"{route} {text[:100]}", _status_of_event)
        try:
            envelope = _envelope(await _payload_of(execution))
            if route in self._config.route_responses and self._is_open:
                await self.post(body_of(envelope).decode("utf-8", "replace"))
        except CallFailed:
            await self._tell_failure(arrival)
        except MalformedAnswer as error:
            self._note(execution.record, error)
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
        execution = await self._call(event, f"$disconnect {code}", _status_of_event)
        try:
            _envelope(await _payload_of(execution))
        except CallFailed:
            pass  # nobody is left to be told; the journal has it
        except MalformedAnswer as error:
            self._note(execution.record, error)

    async def _tell_failure(self, arrival: Arrival) -> None:
        """Tell the client what API Gateway tells it."""
        document = {
            "message": "Internal server error",
            "connectionId": self.peer.connection_id,
            "requestId": arrival.extended_id,
        }
        with suppress(OSError):  # the client has gone
            await self.post(orjson.dumps(document).decode())

    def _route_of(self, text: str) -> str:
        """Select the route: the one that a key of a JSON message names, else `$default`."""
        if self._config.routes:
            try:
                document = orjson.loads(text)
            except ValueError:
                return "$default"
            route = document.get(self._config.route_selection) if isinstance(document, dict) else None
            if isinstance(route, str) and route in self._config.routes:
                return route
        return "$default"

    async def _call(self, event: dict[str, Any], label: str, read_status: Callable[[bytes], int | None]) -> Execution:
        payload = orjson.dumps(event)
        return await self._function.call(
            Call(payload=payload, source="websocket", label=label, read_status=read_status)
        )

    def _note(self, record: Record, error: CallFailed | MalformedAnswer) -> None:
        """Tell the journal that there is no answer to hand on, and why, where the function does not know it."""
        record.status = 502
        if isinstance(error, MalformedAnswer) and record.error_type is None:
            problem = malformed(str(error))
            record.error_type = problem.kind
            record.error = orjson.dumps({"errorType": problem.kind, "errorMessage": problem.message})
        self._journal.changed(record)


async def _payload_of(execution: Execution) -> bytes:
    """Wait for what the function returns. Raises `CallFailed`."""
    await execution.begun()
    return await execution.payload()


def _opening(payload: bytes) -> tuple[int, dict[bytes, bytes]]:
    """Read an answer to `$connect`: the status that a client is refused with, or 200, and the headers.

    Raises `MalformedAnswer`.
    """
    envelope = _document(payload)
    if not isinstance(envelope, dict):
        raise MalformedAnswer("The function must answer $connect with an object that has a statusCode.")
    status = status_of(envelope.get("statusCode"))
    headers = dict(single_headers(envelope.get("headers")))
    if status < 300:
        return 200, headers
    return status if status >= 400 else 403, headers


def _status_of_connect(payload: bytes) -> int:
    """Give the status that the client gets."""
    try:
        return _opening(payload)[0]
    except MalformedAnswer:
        return 502


def _envelope(payload: bytes) -> dict[str, Any]:
    """Read an answer to any other event, which may be nothing. Raises `MalformedAnswer`."""
    envelope = _document(payload)
    return envelope if isinstance(envelope, dict) else {}


def _status_of_event(payload: bytes) -> int | None:
    """Give the status that the function gave, if it gave one: the client gets none."""
    try:
        return status_of(_envelope(payload).get("statusCode"))
    except MalformedAnswer:
        return None


def _document(payload: bytes) -> Any:
    try:
        return orjson.loads(payload)
    except ValueError as error:
        raise MalformedAnswer(f"The function returned no JSON: {error}.") from error
