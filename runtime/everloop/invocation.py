"""One invocation: the event, its deadline, and what Lambda says about it."""

import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self

import orjson

from everloop.errors import UnmarshalError

if TYPE_CHECKING:
    from asyncio import Future

    from awslambdaric.lambda_context import LambdaContext

Event = dict[str, Any]

_UNSET: Any = object()


class Invocation:
    """An invocation as `GET /runtime/invocation/next` delivered it.

    Ids are text, `None` where Lambda sent none. `deadline` is in seconds since the epoch.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next
    """

    __slots__ = (
        "_context",
        "_event",
        "_payload",
        "background",
        "client_context",
        "cognito_identity",
        "deadline",
        "function_arn",
        "invocation_id",
        "request_id",
        "tenant_id",
        "trace_id",
    )

    def __init__(
        self,
        request_id: str,
        payload: bytes,
        *,
        invocation_id: str | None = None,
        deadline: float | None = None,
        function_arn: str | None = None,
        trace_id: str | None = None,
        client_context: str | None = None,
        cognito_identity: str | None = None,
        tenant_id: str | None = None,
    ) -> None:
        self.request_id = request_id
        self._payload: bytes = payload
        self.invocation_id = invocation_id
        self.deadline = deadline
        self.function_arn = function_arn
        self.trace_id = trace_id
        self.client_context = client_context
        self.cognito_identity = cognito_identity
        self.tenant_id = tenant_id
        self.background: list[Future[Any]] | None = None
        """What `everloop.wait_until()` was given: the next poll waits for it."""
        self._event = _UNSET
        self._context: LambdaContext | None = None

    def __repr__(self) -> str:
        return f"<Invocation {self.request_id}>"

    @classmethod
    def from_headers(cls, headers: dict[bytes, bytes], payload: bytes) -> Self:
        """Make an invocation of an answer's lower-case headers and body.

        Raises `KeyError` where the request id is missing. A deadline that is not a number counts as none.
        """
        get = headers.get
        deadline = get(b"lambda-runtime-deadline-ms")
        invocation_id = get(b"lambda-runtime-invocation-id")
        arn = get(b"lambda-runtime-invoked-function-arn")
        trace_id = get(b"lambda-runtime-trace-id")
        client_context = get(b"lambda-runtime-client-context")
        cognito_identity = get(b"lambda-runtime-cognito-identity")
        tenant_id = get(b"lambda-runtime-aws-tenant-id")
        return cls(
            headers[b"lambda-runtime-aws-request-id"].decode("latin-1"),
            payload,
            invocation_id=invocation_id.decode("latin-1") if invocation_id else None,
            deadline=int(deadline) / 1000 if deadline and deadline.isdigit() else None,
            function_arn=arn.decode("latin-1") if arn else None,
            trace_id=trace_id.decode("latin-1") if trace_id else None,
            client_context=client_context.decode("utf-8", "replace") if client_context else None,
            cognito_identity=cognito_identity.decode("utf-8", "replace") if cognito_identity else None,
            tenant_id=tenant_id.decode("latin-1") if tenant_id else None,
        )

    def remaining(self) -> float | None:
        """Seconds until the deadline, below zero when it has passed; None where there is none."""
        return None if self.deadline is None else self.deadline - time.time()

    @property
    def event(self) -> Any:
        """The event, parsed as JSON whatever its content type says. Raises `UnmarshalError`."""
        if self._event is _UNSET:
            self._event = parse_event(self._payload)
            self._payload = b""  # up to 6 MB that nobody needs twice
        return self._event

    @property
    def context(self) -> "LambdaContext":
        """The context object that handlers on Lambda get, made when it is first asked for."""
        if self._context is None:
            from everloop.context import context_of

            self._context = context_of(self)
        return self._context


def parse_event(payload: bytes) -> Any:
    """Parse an event; what orjson refuses and the standard library takes (NaN, lone surrogates) is taken."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        import json

        try:
            return json.loads(payload)
        except (ValueError, RecursionError) as error:
            raise UnmarshalError(
                f"The event is not JSON: {error}. It begins with {payload[:80]!r}. "
                "Lambda hands on what the caller sent: send a JSON document."
            ) from error


current: ContextVar[Invocation | None] = ContextVar("everloop.invocation", default=None)
"""The invocation that this task belongs to."""


def current_invocation() -> Invocation | None:
    """Give the invocation that the running code belongs to, or None outside of one (start-up, shutdown)."""
    return current.get()
