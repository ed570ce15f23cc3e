"""The trace of an invocation, in the places where tracers look for it: _X_AMZN_TRACE_ID and the request's headers."""

from collections.abc import MutableMapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from everloop.invocation import Invocation

NAME = b"_X_AMZN_TRACE_ID"


class TraceVariable:
    """Keeps the variable up to date in an environment that serves one invocation at a time.

    The environment is the one of bytes: ids come as bytes, and are set at two thirds of what text costs.
    """

    def __init__(self, environ: MutableMapping[bytes, bytes]) -> None:
        self._environ = environ
        self._trace_id = environ.get(NAME)

    def export(self, trace_id: bytes | None) -> None:
        """Set the variable, or remove it where an invocation brings none. Setting it costs more than looking here."""
        if trace_id == self._trace_id:
            return
        self._trace_id = trace_id
        if trace_id is None:
            self._environ.pop(NAME, None)
        else:
            self._environ[NAME] = trace_id


AMAZON = b"x-amzn-trace-id"


def inherit_trace(headers: list[tuple[bytes, bytes]], invocation: "Invocation") -> None:
    """Add the trace headers that the invocation brings and the event's request lacks, for whoever traces by headers.

    `x-amzn-trace-id` is Lambda's own; `traceparent`, `tracestate` and `baggage` come in the client context of callers
    that use an AWS SDK. A header of the event stands: it is nearer to the client.
    """
    trace_id = invocation.trace_header
    if trace_id is not None:
        for name, _ in headers:
            if name == AMAZON:
                break
        else:
            headers.append((AMAZON, trace_id))
    if invocation.client_context_header is not None:
        present = {name for name, _ in headers}
        for text, value in invocation.context.w3c().items():
            name = text.encode("latin-1")
            # The value comes out of JSON: what a header may not hold does not become one.
            if name not in present and value.isascii() and value.isprintable():
                headers.append((name, value.encode("ascii")))
