"""An event as the runtime gets it: the answer to its poll."""

from everloop.dev.config import FunctionConfig
from everloop.dev.executions import Work
from everloop.dev.http_answers import encode_answer


def encode_event(work: Work, config: FunctionConfig) -> bytes:
    """Encode the answer to `GET /runtime/invocation/next`."""
    call = work.call
    headers = [
        (b"Lambda-Runtime-Aws-Request-Id", work.request_id.encode("latin-1")),
        (b"Lambda-Runtime-Invocation-Id", work.invocation_id.encode("latin-1")),
        (b"Lambda-Runtime-Deadline-Ms", b"%d" % work.deadline_ms),
        (b"Lambda-Runtime-Invoked-Function-Arn", (call.invoked_arn or config.arn).encode()),
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
