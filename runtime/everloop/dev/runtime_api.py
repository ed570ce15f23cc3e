"""The Runtime API of one environment: who may say what when, and what is answered.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import asyncio
import time
import uuid
from collections import deque

from everloop.dev.calls import Failure
from everloop.dev.config import FunctionConfig
from everloop.dev.executions import Work
from everloop.dev.extensions_api import ExtensionsApi
from everloop.dev.http_answers import encode_answer
from everloop.dev.http_server import Exchange, HttpConnection, Receiver
from everloop.dev.metadata_api import MetadataApi
from everloop.dev.next_event import encode_event
from everloop.dev.receivers import ErrorReceiver, ResponseReceiver, StartErrorReceiver
from everloop.dev.refusals import (
    NOT_ALLOWED,
    NOT_FOUND,
    OTHER_ATTEMPT,
    TOO_LATE,
    UNKNOWN_ID,
    WRONG_MODE,
    WRONG_ORDER,
)
from everloop.dev.runtime_host import Host

RUNTIME = b"/2018-06-01/runtime/"
INVOCATION = RUNTIME + b"invocation/"


class RuntimeApi:
    """Answers what one environment's processes ask."""

    def __init__(self, config: FunctionConfig, host: Host) -> None:
        self._config = config
        self._host = host
        self._classic = config.max_concurrency is None
        self.extensions = ExtensionsApi(config, host.settled)
        self.metadata = MetadataApi(config)
        self.polls: deque[Exchange] = deque()
        """Requests for the next event that wait for one."""
        self.running: dict[str, Work] = {}
        """Invocations that were handed out, until the runtime polls again."""
        self.ready = False
        """True once the runtime has polled for an event."""
        self.connections: set[HttpConnection] = set()
        self._server: asyncio.Server | None = None
        self._restore: Exchange | None = None
        self._restored = not config.snapstart
        self._delivered: dict[HttpConnection, Work] = {}

    @property
    def free(self) -> bool:
        """True when an event can be handed out now."""
        if self._classic:
            return bool(self.polls) and not self.running and self.extensions.all_parked
        return bool(self.polls) and len(self.running) < (self._config.max_concurrency or 1)

    def deliver(self, work: Work) -> None:
        """Hand an event to the poll that has waited longest."""
        work.invocation_id = str(uuid.uuid4())
        work.deadline_ms = int((time.time() + self._config.timeout) * 1000)
        self.running[work.request_id] = work
        exchange = self.polls.popleft()
        if not self._classic:
            self._delivered[exchange.connection] = work
        exchange.answer(encode_event(work, self._config))
        self.extensions.invoke(work)

    def restore(self) -> None:
        """Let a runtime that waits for it go on as if restored from a snapshot."""
        if self._restore is not None:
            exchange, self._restore = self._restore, None
            self._restored = True
            exchange.answer(encode_answer(200, b""))

    async def listen(self) -> str:
        """Listen on a free port; give the address."""
        self._server = await asyncio.get_running_loop().create_server(self._made, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def close(self) -> None:
        """Listen no more. Connections end with the processes at their other ends."""
        if self._server is not None:
            self._server.close()

    # What connections tell.

    def _made(self) -> HttpConnection:
        """Make a connection's protocol."""
        connection = HttpConnection(self)
        self.connections.add(connection)
        return connection

    def begin(self, exchange: Exchange) -> Receiver | None:
        """Take a request whose head has come."""
        path = exchange.path
        if path.startswith(INVOCATION):
            action = path[len(INVOCATION) :]
            if action == b"next":
                if self._allowed(exchange, b"GET"):
                    self._next(exchange)
                return None
            request_id, _, action = action.partition(b"/")
            if action in (b"response", b"error"):
                if not self._allowed(exchange, b"POST"):
                    return None
                return self._begin_answer(exchange, request_id.decode("latin-1"), action)
        elif path.startswith(RUNTIME):
            return self._begin_start(exchange, path[len(RUNTIME) :])
        elif self.extensions.owns(path):
            return self.extensions.begin(exchange, closed=self.ready)
        elif self.metadata.owns(path):
            self.metadata.answer(exchange, restored=self._restored)
            return None
        elif path == b"/ping" and self._allowed(exchange, b"GET"):
            exchange.answer(encode_answer(200, b"pong", content_type=b"text/plain"))
            return None
        exchange.answer(NOT_FOUND)
        return None

    def lost(self, connection: HttpConnection) -> None:
        """Forget what a connection that has ended was waiting for."""
        self.connections.discard(connection)
        self.polls = deque(exchange for exchange in self.polls if exchange.connection is not connection)
        if self._restore is not None and self._restore.connection is connection:
            self._restore = None
        self.extensions.lost(connection)
        work = self._delivered.pop(connection, None)
        if work is not None and work.answered:
            self._finished(work)
            self._host.settled()
        if not self.connections:
            self._host.disconnected()

    # What a runtime says.

    def _next(self, exchange: Exchange) -> None:
        if self._restore is not None:
            exchange.answer(WRONG_ORDER)
            return
        self._restored = True  # by the snapshot that is taken of a runtime that knows no restore
        if self._classic:
            for work in tuple(self.running.values()):  # one, or none
                if not work.answered:
                    # The event is there until it is answered: a poll that was given up has not lost it.
                    exchange.answer(WRONG_ORDER if work.responding else encode_event(work, self._config))
                    return
                self._finished(work)
        elif (before := self._delivered.pop(exchange.connection, None)) is not None:
            self._finished(before)
        self.polls.append(exchange)
        self.ready = True
        self._host.polled()

    def _begin_answer(self, exchange: Exchange, request_id: str, action: bytes) -> Receiver | None:
        """Take the head of `/response` or `/error`; tell where its body goes."""
        work = self.running.get(request_id)
        headers = exchange.headers
        attempt = headers.get(b"lambda-runtime-invocation-id")
        if work is None:
            exchange.answer(UNKNOWN_ID)
        elif attempt is not None and attempt.decode("latin-1") != work.invocation_id:
            exchange.answer(OTHER_ATTEMPT)
        elif work.answered or work.responding:
            exchange.answer(WRONG_ORDER if self._classic else UNKNOWN_ID)
        elif work.done:  # timed out, and its environment lives: Managed Instances
            exchange.answer(TOO_LATE)
            self.answered(work, exchange)
        elif action == b"error":
            return ErrorReceiver(self, exchange, work)
        elif (mode := headers.get(b"lambda-runtime-function-response-mode")) not in (None, b"streaming"):
            exchange.answer(WRONG_MODE)
            said = (mode or b"").decode("latin-1")
            work.fail_with(
                Failure.FUNCTION,
                "Runtime.InvalidResponseModeHeader",
                f"Lambda-Runtime-Function-Response-Mode was {said!r}; it is `streaming` or not sent at all",
            )
            self.answered(work, exchange)
        else:
            return self._begin_response(exchange, work, streamed=mode is not None)
        return None

    def _begin_response(self, exchange: Exchange, work: Work, *, streamed: bool) -> Receiver | None:
        headers = exchange.headers
        work.begin(
            headers.get(b"content-type", b"application/octet-stream").decode("latin-1"), streamed, exchange.connection
        )
        return ResponseReceiver(self, exchange, work)

    def _begin_start(self, exchange: Exchange, action: bytes) -> Receiver | None:
        """Take what is said about initialisation and restoring."""
        if action not in _START or (action != b"init/error" and not self._config.snapstart):
            exchange.answer(NOT_FOUND)
        elif not self._allowed(exchange, b"GET" if action == b"restore/next" else b"POST"):
            pass
        elif self._start_is_over(action):
            exchange.answer(WRONG_ORDER)
        elif action == b"restore/next":
            self._restore = exchange
            self._host.restorable()
        else:
            return StartErrorReceiver(self, exchange)
        return None

    def _start_is_over(self, action: bytes) -> bool:
        """Tell whether it is too late, or too early, for what is said about the start."""
        if action == b"init/error":
            return self.ready and self._classic
        if action == b"restore/next":
            return self._restored or self._restore is not None
        return not self._restored or self.ready

    # What the receivers of bodies tell.

    def answered(self, work: Work, exchange: Exchange) -> None:
        """The runtime has said all about an invocation that it may say."""
        work.answered = True
        if self._classic:
            if self.polls:
                self._finished(work)
                self._host.settled()
        elif self._delivered.get(exchange.connection) is not work:
            # A runtime that polls and answers on different connections: nothing will tell when it polls again.
            self._delivered = {connection: other for connection, other in self._delivered.items() if other is not work}
            self._finished(work)
            self._host.settled()

    def truncated(self, work: Work) -> None:
        """The connection ended within a response."""
        work.answered = True
        self._host.truncated(work)

    def start_failed(self, error_type: str, payload: bytes) -> None:
        """Initialisation or restoring failed."""
        if not self.ready:
            self._host.initialisation_failed(error_type, payload)

    def _finished(self, work: Work) -> None:
        self.running.pop(work.request_id, None)
        self._host.finished(work)

    def _allowed(self, exchange: Exchange, method: bytes) -> bool:
        if exchange.method != method:
            exchange.answer(NOT_ALLOWED)
        return exchange.method == method


_START = (b"init/error", b"restore/next", b"restore/error")
