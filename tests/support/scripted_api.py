"""A Lambda Runtime API that does what the test says: raw sockets, h11 for the parsing, nothing of everloop's own."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
import uuid
from collections import defaultdict, deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from support.answers import Answer, Drop, Plan
from support.connection import Connection, Ended
from support.exchange import Exchange
from support.recording import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RUNTIME = "/2018-06-01/runtime/"
EXTENSION = "/2020-01-01/extension/"
INVOCATION = re.compile(re.escape(RUNTIME) + r"invocation/([^/]+)/(response|error)\Z")
FUNCTION_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:under-test"

ROUTES = {
    RUNTIME + "invocation/next": "next",
    RUNTIME + "init/error": "init/error",
    RUNTIME + "restore/next": "restore/next",
    RUNTIME + "restore/error": "restore/error",
    EXTENSION + "register": "register",
    EXTENSION + "event/next": "event/next",
}
NOT_FOUND = Answer(404, b"404 page not found\n")
DEFAULTS: dict[str, Answer] = {
    "init/error": Answer(),
    "restore/next": NOT_FOUND,  # SnapStart is off unless a test scripts it
    "restore/error": Answer(),
    "register": Answer(
        200,
        b'{"functionName":"under-test","functionVersion":"$LATEST","handler":"under-test"}',
        headers=(("Lambda-Extension-Identifier", "5b1b0b7c-0000-4000-8000-000000000001"),),
    ),
}


class ScriptedRuntimeApi:
    """Hands out the events that tests give it and records every request.

    Everything blocks with a deadline: nothing here sleeps, and a test that waits in vain is told what was seen.
    `extensions=False` answers 404 to the Extensions API; `receive_buffer` makes a small socket buffer.
    """

    def __init__(self, *, extensions: bool = True, receive_buffer: int | None = None) -> None:
        self.changed = threading.Condition()
        self.requests: list[Request] = []
        self.connections: list[Connection] = []
        self.faults: list[str] = []  # what was not HTTP, or not asked of a Runtime API
        self._extensions = extensions
        self._scripts: defaultdict[str, deque[Plan]] = defaultdict(deque)
        self._exchanges: dict[str, Exchange] = {}
        self._events: deque[Exchange] = deque()
        self._parked: deque[Request] = deque()
        self._closing = False
        self._listener = socket.socket()
        if receive_buffer is not None:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self.changed:
            self._closing = True
            self.changed.notify_all()
        self.stop_listening()
        for connection in list(self.connections):
            connection.close()

    def stop_listening(self) -> None:
        """Refuse new connections from now on."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread
        except OSError:
            return
        self._listener.close()

    # What tests say.

    def invoke(
        self,
        event: Any,
        *,
        timeout: float = 10.0,
        request_id: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        answer: Plan | None = None,
        delivery: Answer | None = None,
    ) -> Exchange:
        """Give an event (bytes as they are, anything else as JSON) to the next poll.

        `timeout` sets the deadline, counted from the delivery. `headers` are added to those that Lambda sends (None
        takes one away). `answer` is for the runtime's POST, `delivery` says how the poll is answered.
        """
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        exchange = Exchange(self, request_id or str(uuid.uuid4()), body, timeout, dict(headers or {}), answer, delivery)
        with self.changed:
            self._exchanges[exchange.request_id] = exchange
            self._events.append(exchange)
            self.changed.notify_all()
        return exchange

    def script(self, endpoint: str, *plans: Plan) -> None:
        """Answer the next requests to an endpoint (`next`, `init/error`, `register`, …) like this, one plan each."""
        with self.changed:
            self._scripts[endpoint].extend(plans)
            self.changed.notify_all()

    def wait_for(self, met: Callable[[], bool], what: str, timeout: float = 5.0) -> None:
        """Wait until `met` is true, which is asked again at whatever happens here."""
        with self.changed:
            if not self.changed.wait_for(met, timeout):
                raise TimeoutError(f"{what}: not within {timeout} s. Seen:\n{self.describe()}")

    def wait_for_poll(self, count: int = 1, timeout: float = 10.0) -> list[Request]:
        """Wait until so many polls wait for an event at the same time."""
        self.wait_for(lambda: len(self._parked) >= count, f"{count} waiting poll(s)", timeout)
        return self.parked

    def wait_for_request(self, endpoint: str, count: int = 1, timeout: float = 10.0) -> Request:
        """Wait for the count-th complete request to an endpoint."""

        def complete() -> list[Request]:
            return [request for request in self.requests_to(endpoint) if request.complete]

        self.wait_for(lambda: len(complete()) >= count, f"request {count} to {endpoint}", timeout)
        return complete()[count - 1]

    def requests_to(self, endpoint: str) -> list[Request]:
        with self.changed:
            return [request for request in self.requests if request.endpoint == endpoint]

    @property
    def parked(self) -> list[Request]:
        """The polls that wait for an event now."""
        with self.changed:
            return list(self._parked)

    def describe(self) -> str:
        lines = [request.describe() for request in self.requests] or ["no request"]
        return "\n".join([*lines, *self.faults])

    # What connections ask.

    def fault(self, what: str) -> None:
        with self.changed:
            self.faults.append(what)
            self.changed.notify_all()

    def record(self, request: Request) -> None:
        with self.changed:
            self.requests.append(request)
            exchange = self._exchanges.get(request.request_id or "")
            if exchange is not None:
                exchange.requests.append(request)
            elif request.endpoint in ("response", "error") or request.endpoint.startswith("/"):
                self.faults.append(f"nobody asked for {request.method} {request.target}")
            self.changed.notify_all()

    def route(self, target: str) -> tuple[str, str | None]:
        """The endpoint of a target, and the request id in it."""
        found = INVOCATION.match(target)
        return (found[2], found[1]) if found else (ROUTES.get(target, target), None)

    def plan(self, request: Request) -> Plan | None:
        """What is to be done with a request whose head has come; None where that is seen when it is complete."""
        with self.changed:
            if request.endpoint in ("next", "event/next"):
                return None
            if self._scripts[request.endpoint]:
                return self._scripts[request.endpoint].popleft()
            exchange = self._exchanges.get(request.request_id or "")
            if exchange is not None:
                return exchange.answer or Answer()
            if request.endpoint == "register" and not self._extensions:
                return NOT_FOUND
            return DEFAULTS.get(request.endpoint, NOT_FOUND)

    def settle(self, request: Request, plan: Plan | None) -> Plan:
        """What is to be done with a complete request: for a poll, this waits for an event."""
        if plan is not None:
            return plan
        if request.endpoint == "next":
            return self._next(request)
        if not self._extensions:
            return NOT_FOUND
        self._wait(request, lambda: bool(self._scripts["event/next"]))
        return self._scripts["event/next"].popleft()

    def hold(self, until: threading.Event) -> None:
        """Wait for a test's event, or for the end of the test."""
        while not until.wait(0.02):
            if self._closing:
                raise Ended

    def _next(self, request: Request) -> Plan:
        with self.changed:
            self._parked.append(request)
            self.changed.notify_all()
            try:
                self._wait(request, lambda: self._parked[0] is request and bool(self._events or self._scripts["next"]))
                if self._scripts["next"]:
                    return self._scripts["next"].popleft()
                exchange = self._events.popleft()
            finally:
                self._parked.remove(request)
                self.changed.notify_all()
            exchange.delivered_to = request
            exchange.delivered_at = time.monotonic()
        return self._delivery(exchange)

    def _wait(self, request: Request, met: Callable[[], bool]) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self._closing or not request.connection.open or met())
            if self._closing or not request.connection.open:
                raise Ended

    def _delivery(self, exchange: Exchange) -> Answer:
        headers: dict[str, str | None] = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": exchange.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + exchange.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
            **exchange.headers,
        }
        kept = tuple((name, value) for name, value in headers.items() if value is not None)
        return replace(exchange.delivery or Answer(), status=200, body=exchange.event, headers=kept)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                connection = Connection(self, sock, len(self.connections) + 1)
                self.connections.append(connection)
                self.changed.notify_all()
            connection.start()


__all__ = ["Answer", "Drop", "Exchange", "Request", "ScriptedRuntimeApi"]
