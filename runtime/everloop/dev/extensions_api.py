"""The Extensions API: internal extensions, which the runtime's process registers itself.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from everloop.dev.config import FunctionConfig
from everloop.dev.executions import Work
from everloop.dev.http_answers import encode_answer, error_answer
from everloop.dev.http_server import Exchange, HttpConnection, Receiver
from everloop.dev.receivers import Collector
from everloop.dev.refusals import NOT_ALLOWED, NOT_FOUND, OK

PREFIX = b"/2020-01-01/extension/"
TELEMETRY = (b"/2022-07-01/telemetry", b"/2020-08-15/logs")
MAX_EXTENSIONS = 10
MAX_REGISTRATION = 64 * 1024
"""Bytes of a registration's JSON."""
IDENTIFIER = b"lambda-extension-identifier"


@dataclass(slots=True)
class Extension:
    """One registered extension."""

    name: str
    wants_invocations: bool
    poll: Exchange | None = None
    """Its request for the next event, while that waits."""
    ready: bool = False
    """True: it has done what it was last told of, and asked for more."""


class ExtensionsApi:
    """Keeps the extensions of one environment. `settled` is called when one waits for its next event."""

    def __init__(self, config: FunctionConfig, settled: Callable[[], None]) -> None:
        self._config = config
        self._settled = settled
        self._extensions: dict[str, Extension] = {}

    @property
    def registered(self) -> bool:
        """True where the runtime is to be told of its end by SIGTERM."""
        return bool(self._extensions)

    @property
    def all_parked(self) -> bool:
        """True when no extension is at work: every one waits for its next event."""
        return all(extension.ready for extension in self._extensions.values())

    def owns(self, path: bytes) -> bool:
        """Tell whether a path is of this API."""
        return path.startswith(PREFIX) or path in TELEMETRY

    def begin(self, exchange: Exchange, *, closed: bool) -> Receiver | None:
        """Take a request. `closed`: the runtime has polled already, and nothing can be registered any more."""
        action = exchange.path[len(PREFIX) :]
        methods = {b"register": b"POST", b"event/next": b"GET", b"init/error": b"POST", b"exit/error": b"POST"}
        if exchange.path in TELEMETRY:
            kind = "Telemetry" if b"telemetry" in exchange.path else "Logs"
            exchange.answer(error_answer(202, f"{kind}.NotSupported", f"The {kind} API is not emulated"))
        elif action not in methods:
            exchange.answer(NOT_FOUND)
        elif exchange.method != methods[action]:
            exchange.answer(NOT_ALLOWED)
        elif action == b"register":
            return _Registration(self, exchange, closed=closed)
        elif action == b"event/next":
            self._next(exchange)
        elif self._known(exchange) is not None:
            exchange.answer(OK)
        return None

    def register(self, exchange: Exchange, body: bytes, *, closed: bool) -> None:
        """Register an internal extension."""
        name = exchange.headers.get(b"lambda-extension-name", b"").decode("latin-1")
        fault = self._fault(name, body, closed)
        if fault is not None:
            exchange.answer(error_answer(403, *fault))
            return
        identifier = str(uuid.uuid4())
        self._extensions[identifier] = Extension(name, "INVOKE" in json.loads(body).get("events", ()))
        config = self._config
        said = {"functionName": config.name, "functionVersion": config.version, "handler": config.handler}
        features = exchange.headers.get(b"lambda-extension-accept-feature", b"").split(b",")
        if b"accountId" in [feature.strip() for feature in features]:
            said["accountId"] = config.account
        exchange.answer(
            encode_answer(200, json.dumps(said).encode(), [(b"Lambda-Extension-Identifier", identifier.encode())])
        )

    def invoke(self, work: Work) -> None:
        """Tell the extensions that asked for it of an invocation."""
        for extension in self._extensions.values():
            if extension.wants_invocations and extension.poll is not None:
                event = {
                    "eventType": "INVOKE",
                    "deadlineMs": work.deadline_ms,
                    "requestId": work.request_id,
                    "invokedFunctionArn": work.call.invoked_arn or self._config.arn,
                    "tracing": {"type": "X-Amzn-Trace-Id", "value": work.record.trace_id},
                }
                poll, extension.poll, extension.ready = extension.poll, None, False
                poll.answer(
                    encode_answer(
                        200,
                        json.dumps(event).encode(),
                        [(b"Lambda-Extension-Event-Identifier", str(uuid.uuid4()).encode())],
                    )
                )

    def lost(self, connection: HttpConnection) -> None:
        """Forget the polls of a connection that has ended."""
        for extension in self._extensions.values():
            if extension.poll is not None and extension.poll.connection is connection:
                extension.poll = None

    def _fault(self, name: str, body: bytes, closed: bool) -> tuple[str, str] | None:
        """Give what is wrong with a registration: error type and message."""
        try:
            events = json.loads(body).get("events", ())
        except (ValueError, AttributeError):
            return "InvalidRequestFormat", 'The body is a JSON object: {"events": []}'
        if closed:
            return "Extension.RegistrationClosed", "Extensions register before the runtime's first poll"
        if not name:
            return "Extension.InvalidExtensionName", "The header Lambda-Extension-Name is missing"
        if name in [extension.name for extension in self._extensions.values()]:
            return "Extension.AlreadyRegistered", f"An extension with the name {name} is registered already"
        if len(self._extensions) == MAX_EXTENSIONS:
            return "Extension.TooManyExtensions", f"An environment may have {MAX_EXTENSIONS} extensions"
        if "SHUTDOWN" in events:
            return "Extension.InvalidEventType", "ShutdownEventNotSupportedForInternalExtension"
        if events and self._config.max_concurrency is not None:
            return "Extension.InvalidEventType", "No events allowed for internal extensions"
        if wrong := [event for event in events if event != "INVOKE"]:
            return "Extension.InvalidEventType", f"No such event: {wrong[0]}"
        return None

    def _next(self, exchange: Exchange) -> None:
        extension = self._known(exchange)
        if extension is not None:
            extension.poll, extension.ready = exchange, True
            self._settled()

    def _known(self, exchange: Exchange) -> Extension | None:
        """Find who asks; refuse those who are not registered."""
        identifier = exchange.headers.get(IDENTIFIER)
        extension = self._extensions.get((identifier or b"").decode("latin-1"))
        if identifier is None:
            exchange.answer(
                error_answer(403, "Extension.MissingHeader", "The header Lambda-Extension-Identifier is missing")
            )
        elif extension is None:
            exchange.answer(
                error_answer(
                    403, "Extension.UnknownExtensionIdentifier", "No extension has registered with this identifier"
                )
            )
        return extension


class _Registration(Collector):
    """Takes the body of a registration."""

    def __init__(self, api: ExtensionsApi, exchange: Exchange, *, closed: bool) -> None:
        super().__init__(exchange, MAX_REGISTRATION)
        self._api = api
        self._exchange = exchange
        self._closed = closed

    def whole(self, body: bytes) -> None:
        """Register."""
        self._api.register(self._exchange, body, closed=self._closed)
