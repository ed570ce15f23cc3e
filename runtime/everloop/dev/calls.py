"""What the front doors (gateway, Invoke API, inspector) say to the emulated function, and what they are told."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from everloop.dev.journal import Record


class Failure(StrEnum):
    """Why a call failed; each front door answers each of them in its own way (502, 504, `X-Amz-Function-Error`, …)."""

    FUNCTION = "function"
    """The runtime posted /error, or error trailers in mid-stream."""
    INIT = "init"
    """The environment did not get to its first poll: init/error, exit, or init timeout."""
    TIMEOUT = "timeout"
    """The function's timeout passed (`Sandbox.Timedout`)."""
    EXIT = "exit"
    """The runtime's process ended during the invocation (`Runtime.ExitError`)."""
    TRUNCATED = "truncated"
    """The runtime broke its response off (`Runtime.TruncatedResponse`)."""
    TOO_LARGE = "too-large"
    """The response is over the limit (`Function.ResponseSizeTooLarge`)."""
    SHUTDOWN = "shutdown"
    """`everloop dev` is stopping."""


class CallFailed(Exception):
    """A call failed. `payload` is the error's JSON as Lambda gives it to callers: errorType, errorMessage, …"""

    def __init__(self, kind: Failure, error_type: str, payload: bytes) -> None:
        super().__init__(f"{error_type}: {payload[:200].decode('utf-8', 'replace')}")
        self.kind = kind
        self.error_type = error_type
        self.payload = payload


@dataclass(slots=True, kw_only=True)
class Call:
    """One call of the function. Ids that are None are made up as Lambda would."""

    payload: bytes
    """The event, as it is handed to the runtime, byte for byte."""
    streaming: bool = False
    """True: InvokeWithResponseStream (limit 200 MB, pieces as they come); False: Invoke (6 MiB + 100 bytes)."""
    source: str = "invoke"
    """Who calls: `function-url`, `rest`, …, `invoke`, `websocket`, `inspector`. For the journal."""
    label: str = ""
    """What the journal shows beside it: `GET /items?page=1`, `$connect`. Of one line, whatever a client put into it."""
    client_context: str | None = None
    """JSON, already base64-decoded."""
    cognito_identity: str | None = None
    tenant_id: str | None = None
    trace_id: str | None = None
    request_id: str | None = None
    """Another one is made up where a call with this id is still at work."""
    invoked_arn: str | None = None
    """The ARN as it was called, with version or alias; None: the function's own."""
    read_status: Callable[[bytes], int | None] | None = None
    """Reads the status for the journal out of a whole response, before the invocation ends; None: the caller notes it
    itself, when it has answered its client."""

    def __post_init__(self) -> None:
        """Escape what would be more in a terminal than text: line breaks, and characters that command it."""
        if not self.label.isprintable():
            self.label = "".join(one if one.isprintable() else repr(one)[1:-1] for one in self.label)


@dataclass(frozen=True, slots=True)
class ResponseBegun:
    """What the runtime said before the body of its response."""

    content_type: str
    streamed: bool
    """True: `Lambda-Runtime-Function-Response-Mode: streaming`."""


class Execution(Protocol):
    """One call on its way, seen by its caller. Not more than one reader."""

    @property
    def request_id(self) -> str:
        """`Lambda-Runtime-Aws-Request-Id`."""

    @property
    def record(self) -> Record:
        """Its entry in the journal."""

    async def begun(self) -> ResponseBegun:
        """Wait until the runtime begins its response. Raises `CallFailed` where it fails instead.

        A streaming call: as soon as the head of `POST /response` has come. Otherwise: when the whole response has.
        """

    def body(self) -> AsyncIterator[bytes]:
        """Give the pieces of the body as they come. Raises `CallFailed` after the last piece that did come.

        The runtime is read no faster than this is: nothing piles up.
        """

    async def payload(self) -> bytes:
        """Wait for the whole body. Raises `CallFailed`."""

    async def finished(self) -> None:
        """Wait until the runtime polls again, or its environment ends: background work included. Never raises."""

    def abandon(self) -> None:
        """Say that the caller has gone. As on Lambda the function is not interrupted: the rest is read and dropped."""


class Lambda(Protocol):
    """The emulated service with its one function: what a front door needs of it."""

    async def call(self, call: Call) -> Execution:
        """Hand a call to an environment, waiting for a free one; return once its place in the queue is taken.

        Never raises for what the function does: that is told by the `Execution`.
        """
