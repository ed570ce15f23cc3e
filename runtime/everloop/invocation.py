"""One invocation: the event, its deadline, and what Lambda says about it."""

import time
from contextvars import ContextVar
from threading import get_ident, main_thread
from typing import TYPE_CHECKING, Any

import orjson

from everloop.context import LazyLambdaContext, new_lambda_context
from everloop.errors import UnmarshalError
from everloop.headers import FIELDS, Headers, ShapedHeaders

if TYPE_CHECKING:
    from asyncio import Future

    from awslambdaric.lambda_context import LambdaContext

Event = dict[str, Any]

_UNSET: Any = object()


class Invocation:
    """An invocation as `GET /runtime/invocation/next` delivered it.

    `deadline` is in seconds since the epoch; it and the ids are None where Lambda sent none. What is seldom asked for
    is decoded when it is: most invocations never look.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next
    """

    __slots__ = (
        "_context",
        "_event",
        "_headers",
        "background",
        "client_context_header",
        "deadline",
        "invocation_header",
        "payload",
        "request_header",
        "trace_header",
    )

    def __init__(self, headers: Headers, payload: bytes) -> None:
        """Make an invocation of an answer's headers (names as in `Content-Type`) and body.

        Raises `KeyError` where the request id is missing. A deadline that is not a number counts as none.
        """
        # As they came; as text, which is for people, they are needed nearly never.
        request_header, invocation_header, trace_header, milliseconds, self.client_context_header = (
            headers.fields if type(headers) is ShapedHeaders else map(headers.get, FIELDS)
        )
        if request_header is None:
            raise KeyError(b"Lambda-Runtime-Aws-Request-Id")
        self.request_header = request_header
        self.invocation_header = invocation_header or None
        self.trace_header = trace_header or None
        self.deadline = deadline_of(milliseconds)
        self.background: list[Future[Any]] | None = None
        """What `everloop.wait_until()` was given: the next poll waits for it."""
        self._headers = headers
        self.payload = payload
        """The event's bytes; let go of once they are parsed: they are up to 6 MB that nobody needs twice."""
        self._event = _UNSET
        self._context: LambdaContext | None = None

    def __repr__(self) -> str:
        return f"<Invocation {self.request_id}>"

    @property
    def request_id(self) -> str:
        """The id of the request, the same in every attempt."""
        return self.request_header.decode("latin-1")

    @property
    def invocation_id(self) -> str | None:
        """The id of this attempt, which is sent back with the answer."""
        return self._text(b"Lambda-Runtime-Invocation-Id")

    @property
    def function_arn(self) -> str | None:
        """The function, version or alias as it was invoked."""
        return self._text(b"Lambda-Runtime-Invoked-Function-Arn")

    @property
    def trace_id(self) -> str | None:
        """The X-Ray tracing header."""
        return self._text(b"Lambda-Runtime-Trace-Id")

    @property
    def tenant_id(self) -> str | None:
        """The tenant, in tenant isolation mode."""
        return self._text(b"Lambda-Runtime-Aws-Tenant-Id")

    @property
    def client_context(self) -> str | None:
        """The client context as JSON, from callers that use the AWS SDK."""
        return self._text(b"Lambda-Runtime-Client-Context", "utf-8")

    @property
    def cognito_identity(self) -> str | None:
        """The Amazon Cognito identity as JSON."""
        return self._text(b"Lambda-Runtime-Cognito-Identity", "utf-8")

    def _text(self, name: bytes, encoding: str = "latin-1") -> str | None:
        value = self._headers.get(name)
        return value.decode(encoding, "replace") if value else None

    def remaining(self) -> float | None:
        """Seconds until the deadline, below zero when it has passed; None where there is none."""
        return None if self.deadline is None else self.deadline - time.time()

    @property
    def event(self) -> Any:
        """The event, parsed as JSON whatever its content type says. Raises `UnmarshalError`."""
        if self._event is _UNSET:
            try:
                self._event = orjson.loads(self.payload)
            except orjson.JSONDecodeError:
                self._event = parse_event(self.payload)
        return self._event

    @property
    def exact_event(self) -> Any:
        """The event with integers of any size as they came: `event` has floats for those beyond 64 bits.

        Raises `UnmarshalError`.
        """
        if self._event is _UNSET:
            self._event = parse_exactly(self.payload)
        return self._event

    def take_payload(self) -> bytes:
        """Give the event's bytes, which are then let go of."""
        payload, self.payload = self.payload, b""
        return payload

    def new_context(self) -> "LambdaContext":
        """Make a context object of AWS's own class, complete. Raises `ContextError` as AWS's client does."""
        return new_lambda_context(self.request_id, self.deadline, self._headers)

    @property
    def context(self) -> "LambdaContext":
        """The context object that handlers on Lambda get: awslambdaric's own."""
        if self._context is None:
            self._context = LazyLambdaContext(self.deadline, self._headers)
        return self._context


def deadline_of(milliseconds: bytes | None) -> float | None:
    """Give the deadline in seconds since the epoch. One that is no number, or an absurd one, counts as none."""
    # Lambda's are 13 digits long. Some emulators' are longer, and int() and float() have limits of their own.
    if milliseconds is None or len(milliseconds) > 18 or not milliseconds.isdigit():
        return None
    return int(milliseconds) / 1000


def parse_event(payload: bytes) -> Any:
    """Parse an event; what orjson refuses and the standard library takes (NaN, lone surrogates) is taken.

    Raises `UnmarshalError`.
    """
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        import json

        try:
            return json.loads(payload)
        except (ValueError, RecursionError) as error:
            raise UnmarshalError(
                f"The event is not JSON: {error}. It has {len(payload)} bytes. "
                "Lambda hands on what the caller sent: send a JSON document."
            ) from error


_DIGITS_ALONE = bytes(ord("0") if 48 <= byte <= 57 else 32 for byte in range(256))
_SUSPECT = b"0" * 6
_DOUBTFUL = b"0" * 19
"""The shortest integer that may not fit into 64 bits."""


def parse_exactly(payload: bytes) -> Any:
    """Parse an event as the standard library does: orjson makes floats of integers that do not fit into 64 bits."""
    # Of 19 digits in a row every third byte shows six or more in a row, of a timestamp's 13 five at most: so most
    # events are done with at a third of the cost.
    if _SUSPECT in payload[::3].translate(_DIGITS_ALONE) and _DOUBTFUL in payload.translate(_DIGITS_ALONE):
        import json

        try:
            return json.loads(payload)
        except (ValueError, RecursionError):
            pass  # parse_event() says what is wrong
    return parse_event(payload)


current: ContextVar[Invocation | None] = ContextVar("everloop.invocation", default=None)
"""The invocation that this task belongs to."""


class Serving:
    """The invocation that is served, or was last, where it is one at a time; None where there are several."""

    __slots__ = ("invocation",)

    def __init__(self) -> None:
        self.invocation: Invocation | None = None


serving = Serving()


def current_invocation() -> Invocation | None:
    """Give the invocation that the running code belongs to, or None outside of one (start-up, shutdown).

    Threads of the application's own do not know their invocation. With one slot it is the one that is served, and
    until the next event the one that was; with several it is told to those of `asyncio.to_thread()` only.
    """
    invocation = current.get()
    if invocation is None and get_ident() != main_thread().ident:
        return serving.invocation
    return invocation
