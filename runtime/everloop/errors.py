"""Every error that everloop raises, grouped by what the runtime does next.

EverloopError
├── InitError                   reported to /runtime/init/error, then exit 1
│   ├── InvalidSettings         Runtime.InvalidSettings
│   ├── HandlerError            Runtime.MalformedHandlerName, .ImportModuleError, .UserCodeSyntaxError, .HandlerNotFound
│   └── LifespanFailed          Runtime.LifespanFailed
├── InvocationError             reported as this invocation's error, the process polls again
│   ├── UnmarshalError          Runtime.UnmarshalError
│   ├── UnknownEvent            Runtime.UnknownEvent
│   ├── MalformedEvent          Runtime.MalformedEvent
│   ├── ResponseSizeTooLarge    Function.ResponseSizeTooLarge
│   ├── ErrorStatus             Function.ErrorStatus
│   ├── EventStatus             Function.EventStatus
│   ├── MarshalError            Runtime.MarshalError
│   ├── ContextError            Runtime.LambdaContextUnmarshalError
│   ├── IncompleteResponse      Runtime.IncompleteResponse
│   ├── DeadlineExceeded        Runtime.DeadlineExceeded
│   ├── MissingExtra            Runtime.MissingExtra
│   └── ShutDown                Runtime.ShutDown
├── ProtocolError               the application broke ASGI; raised by the send() that it called
├── ClientDisconnected          also an OSError; raised by send() when nobody can get the response any more
├── AwsRefused                  AWS refused a WebSocket message or the store's item; raised by the send() that needed it
├── AwsUnreachable              no answer to the same
├── RuntimeApiError             the other side; fatal once the retries are used up
│   ├── RuntimeApiUnreachable
│   └── RuntimeApiRefused
└── IllegalTransition           a mistake in everloop itself
"""


class EverloopError(Exception):
    """The base of every error that everloop raises."""


class InitError(EverloopError):
    """Raised when start-up cannot go on. `error_type` is what Lambda is told."""

    error_type = "Runtime.InitError"


class InvalidSettings(InitError):
    """Raised when settings in the environment are wrong; names all of them."""

    error_type = "Runtime.InvalidSettings"

    def __init__(self, faults: list[str]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return "; ".join(self.faults)


class HandlerError(InitError):
    """Raised when the handler string leads to nothing that can be served."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


class LifespanFailed(InitError):
    """Raised when the application's lifespan startup fails or does not complete in time."""

    error_type = "Runtime.LifespanFailed"


class InvocationError(EverloopError):
    """Raised when one invocation fails; the process lives on. `error_type` is what Lambda is told."""

    error_type = "Runtime.InvocationError"


class UnmarshalError(InvocationError):
    """Raised when an event is not a JSON document."""

    error_type = "Runtime.UnmarshalError"


class UnknownEvent(InvocationError):
    """Raised when no event source recognises an event."""

    error_type = "Runtime.UnknownEvent"


class MalformedEvent(InvocationError):
    """Raised when a recognised event lacks a field or holds a wrong one."""

    error_type = "Runtime.MalformedEvent"


class ResponseSizeTooLarge(InvocationError):
    """Raised when a buffered response is larger than Lambda takes."""

    error_type = "Function.ResponseSizeTooLarge"

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return (
            f"The response is {self.size:,} bytes as JSON and Lambda takes at most {self.limit:,} in buffered mode "
            "(a base64 body counts with a third more). Stream it instead: EVERLOOP_RESPONSE_MODE=streaming with a "
            "Function URL in RESPONSE_STREAM mode or a REST API with responseTransferMode STREAM."
        )


class ErrorStatus(InvocationError):
    """Raised when the application answers with a status that EVERLOOP_ERROR_STATUSES lists."""

    error_type = "Function.ErrorStatus"


class EventStatus(InvocationError):
    """Raised when the application answers an event that is not HTTP with a status that is not 2xx."""

    error_type = "Function.EventStatus"


class MarshalError(InvocationError):
    """Raised when what a handler returned or yielded cannot be sent: it is no JSON, text or bytes."""

    error_type = "Runtime.MarshalError"


class ContextError(InvocationError):
    """Raised when Lambda's client context or Cognito identity is not JSON."""

    error_type = "Runtime.LambdaContextUnmarshalError"


class IncompleteResponse(InvocationError):
    """Raised when the application returns before it has completed its response."""

    error_type = "Runtime.IncompleteResponse"


class DeadlineExceeded(InvocationError):
    """Raised when an invocation is stopped because its deadline is near."""

    error_type = "Runtime.DeadlineExceeded"


class MissingExtra(InvocationError):
    """Raised when an event needs packages that are not installed; names the extra that brings them."""

    error_type = "Runtime.MissingExtra"


class ShutDown(InvocationError):
    """Raised when an invocation is stopped because the process ends."""

    error_type = "Runtime.ShutDown"


class ProtocolError(EverloopError):
    """Raised by `send()` when the application breaks the ASGI protocol; names the message and the state it met."""


class ClientDisconnected(EverloopError, OSError):
    """Raised by `send()` when the response can no longer be delivered (ASGI HTTP spec 2.4: an `OSError`)."""


class AwsRefused(EverloopError):
    """Raised by a WebSocket's `send()` when AWS answers with an error that is not the connection's end."""

    def __init__(self, operation: str, status: int, body: bytes, advice: str = "") -> None:
        super().__init__(operation, status, body, advice)
        self.operation = operation
        self.status = status
        self.body = body
        self.advice = advice

    def __str__(self) -> str:
        text = f"{self.operation} was answered {self.status}: {self.body[:500].decode('utf-8', 'replace').strip()}"
        return f"{text} {self.advice}".rstrip()


class AwsUnreachable(EverloopError):
    """Raised by a WebSocket's `send()` when AWS does not answer; whether the message arrived is not known."""


class RuntimeApiError(EverloopError):
    """Raised when the Lambda Runtime API cannot be talked to."""


class RuntimeApiUnreachable(RuntimeApiError):
    """Raised when the Runtime API does not answer, or not in HTTP."""


class RuntimeApiRefused(RuntimeApiError):
    """Raised when the Runtime API answers with an error status."""

    def __init__(self, request: str, status: int, body: bytes) -> None:
        super().__init__(request, status, body)
        self.request = request
        self.status = status
        self.body = body

    def __str__(self) -> str:
        return f"{self.request} was answered {self.status}: {self.body[:500].decode('utf-8', 'replace').strip()}"


class IllegalTransition(EverloopError):
    """Raised when a state machine of everloop is asked for a step that its table does not have: please report it."""

    def __init__(self, what: object, wanted: object) -> None:
        super().__init__(what, wanted)
        self.what = what
        self.wanted = wanted

    def __str__(self) -> str:
        return f"{self.what!r} cannot become {self.wanted!r}. This is a bug in everloop: please report it."
