"""The Runtime API of one environment: who may say what when, and what is answered.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import base64
import binascii
import json
import re
import time
import uuid
from collections import deque
from collections.abc import Mapping
from typing import Protocol

from everloop.dev.calls import Failure
from everloop.dev.config import FunctionConfig
from everloop.dev.executions import Work
from everloop.dev.extensions_api import ExtensionsApi
from everloop.dev.http_answers import encode_answer, error_answer
from everloop.dev.http_server import OK, Collector, Exchange, HttpConnection, Receiver
from everloop.dev.metadata_api import MetadataApi

MAX_PAYLOAD = 6 * 1024 * 1024 + 100
"""Bytes of a buffered response."""
MAX_STREAM = 200 * 1024 * 1024
"""Bytes of a streamed response."""
MAX_ERROR = 1024 * 1024
"""Bytes of an error's JSON."""

RUNTIME = b"/2018-06-01/runtime/"
INVOCATION = RUNTIME + b"invocation/"
ERROR_TYPE = b"lambda-runtime-function-error-type"
ERROR_BODY = b"lambda-runtime-function-error-body"
KNOWN_ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")
ERROR_WITH_CAUSE = b"application/vnd.aws.lambda.error.cause+json"

NOT_FOUND = encode_answer(404, b"404 page not found\n", content_type=b"text/plain")
NOT_ALLOWED = encode_answer(405, b"")
WRONG_ORDER = error_answer(403, "InvalidStateTransition", "The Runtime API does not expect this now")
UNKNOWN_ID = error_answer(400, "InvalidRequestID", "No invocation with this id is waiting for an answer")
OTHER_ATTEMPT = error_answer(400, "InvalidInvocationId", "This answers another attempt of the invocation")
TOO_LATE = error_answer(410, "InvokeTimeout", "The invocation has timed out; its caller has been answered")
WRONG_MODE = error_answer(
    400, "InvalidFunctionResponseMode", "Lambda-Runtime-Function-Response-Mode is `streaming` or not sent at all"
)


class Host(Protocol):
    """The environment that an API belongs to."""

    def polled(self) -> None:
        """The runtime waits for an event."""

    def finished(self, work: Work) -> None:
        """The runtime has polled again after an invocation."""

    def truncated(self, work: Work) -> None:
        """The connection ended within a response."""

    def initialisation_failed(self, error_type: str, payload: bytes) -> None:
        """The runtime has reported that it cannot start, or cannot go on after a restore."""

    def restorable(self) -> None:
        """The runtime is ready for a snapshot and waits to be restored."""

    def settled(self) -> None:
        """Something that was at work is no more: an extension, or an invocation of a runtime that polls ahead."""

    def disconnected(self) -> None:
        """The last connection has ended."""


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
        exchange.answer(self._event(work))
        self.extensions.invoke(work)

    def restore(self) -> None:
        """Let a runtime that waits for it go on as if restored from a snapshot."""
        if self._restore is not None:
            exchange, self._restore = self._restore, None
            self._restored = True
            exchange.answer(encode_answer(200, b""))

    # What connections tell.

    def made(self) -> HttpConnection:
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
                    exchange.answer(WRONG_ORDER if work.responding else self._event(work))
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
            return _Error(self, exchange, work)
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
        receiver = _Response(self, exchange, work, MAX_STREAM if work.call.streaming else MAX_PAYLOAD)
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > receiver.limit:
            receiver.refuse()
        return receiver

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
            return _StartError(self, exchange)
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

    def _event(self, work: Work) -> bytes:
        """Encode the answer to a poll."""
        call = work.call
        headers = [
            (b"Lambda-Runtime-Aws-Request-Id", work.request_id.encode("latin-1")),
            (b"Lambda-Runtime-Invocation-Id", work.invocation_id.encode("latin-1")),
            (b"Lambda-Runtime-Deadline-Ms", b"%d" % work.deadline_ms),
            (b"Lambda-Runtime-Invoked-Function-Arn", (call.invoked_arn or self._config.arn).encode()),
        ]
        for name, value in (
            (b"Lambda-Runtime-Trace-Id", work.record.trace_id),
            (b"Lambda-Runtime-Client-Context", call.client_context),
            (b"Lambda-Runtime-Cognito-Identity", call.cognito_identity),
            (b"Lambda-Runtime-Aws-Tenant-Id", call.tenant_id),
        ):
            if value is not None:
                headers.append((name, value.encode()))
        return encode_answer(200, call.payload, headers)


_START = (b"init/error", b"restore/next", b"restore/error")


class _Response:
    """Takes the body of a response."""

    def __init__(self, api: RuntimeApi, exchange: Exchange, work: Work, limit: int) -> None:
        self._api = api
        self._exchange = exchange
        self._work = work
        self._size = 0
        self.limit = limit
        self._refused = False
        self._declared = exchange.headers.get(b"trailer", b"").lower()

    def piece(self, data: bytes) -> None:
        """Hand a piece to the caller, unless that makes too many bytes."""
        self._size += len(data)
        if self._size > self.limit:
            self.refuse()
        elif not self._refused:
            self._work.piece(data)

    def refuse(self) -> None:
        """Fail the call: its response is too large. What is still to come is read and dropped."""
        if self._refused:
            return
        self._refused = True
        self._exchange.answer(error_answer(413, "RequestEntityTooLarge", f"A response may have {self.limit} bytes"))
        error = {
            "errorType": "Function.ResponseSizeTooLarge",
            "errorMessage": f"Response payload size exceeded maximum allowed payload size ({self.limit} bytes).",
        }
        self._work.fail(Failure.TOO_LARGE, error["errorType"], json.dumps(error).encode())
        self._api.answered(self._work, self._exchange)

    def complete(self, trailers: Mapping[bytes, bytes]) -> None:
        """The response is whole, or ended by an error in its trailers."""
        if self._refused:
            return
        work = self._work
        if work.done:  # timed out meanwhile, and its environment lives
            self._exchange.answer(TOO_LATE)
        else:
            if ERROR_TYPE in trailers and ERROR_TYPE in self._declared:
                body = trailers.get(ERROR_BODY, b"") if ERROR_BODY in self._declared else b""
                work.fail(Failure.FUNCTION, _error_type(trailers[ERROR_TYPE], b""), _decoded(body))
            else:
                work.complete()
            self._exchange.answer(OK)
        self._api.answered(work, self._exchange)

    def broken(self) -> None:
        """The connection ended."""
        if not self._refused:
            self._api.truncated(self._work)


class _Error(Collector):
    """Takes the body of an invocation's error."""

    def __init__(self, api: RuntimeApi, exchange: Exchange, work: Work) -> None:
        super().__init__(exchange, MAX_PAYLOAD)
        self._api = api
        self._exchange = exchange
        self._work = work
        work.responding = True

    def broken(self) -> None:
        """The connection ended."""
        self._api.truncated(self._work)

    def whole(self, body: bytes) -> None:
        """Fail the call with it."""
        work = self._work
        if work.done:
            self._exchange.answer(TOO_LATE)
        else:
            headers = self._exchange.headers
            if headers.get(b"content-type") == ERROR_WITH_CAUSE:
                body = _without_cause(body)
            work.fail(Failure.FUNCTION, _error_type(headers.get(ERROR_TYPE), body), body)
            self._exchange.answer(OK)
        self._api.answered(work, self._exchange)


class _StartError(Collector):
    """Takes the body of an error of initialisation or of restoring."""

    def __init__(self, api: RuntimeApi, exchange: Exchange) -> None:
        super().__init__(exchange, MAX_ERROR)
        self._api = api
        self._exchange = exchange

    def whole(self, body: bytes) -> None:
        """Tell the environment."""
        self._exchange.answer(OK)
        self._api.start_failed(_error_type(self._exchange.headers.get(ERROR_TYPE), body), body)


def _error_type(header: bytes | None, body: bytes) -> str:
    """Give the type that Lambda takes an error to be of: what it does not know, it calls unknown."""
    if header is None:
        try:
            said = json.loads(body).get("errorType")
        except (ValueError, AttributeError):
            said = None
        return said if isinstance(said, str) else "Runtime.Unknown"
    text = header.decode("latin-1")
    if KNOWN_ERROR_TYPE.search(text):
        return text
    return "Function.Unknown" if text.startswith("Function.") else "Runtime.Unknown"


def _decoded(trailer: bytes) -> bytes:
    """Decode the base64 of an error's trailer; what is not base64 is passed on as it came."""
    try:
        return base64.b64decode(trailer, validate=True)
    except binascii.Error:
        return trailer


def _without_cause(body: bytes) -> bytes:
    """Take X-Ray's part out of an error that brings both."""
    try:
        error = json.loads(body)
        error.pop("errorCause", None)
    except (ValueError, AttributeError):
        return body
    return json.dumps(error).encode()
