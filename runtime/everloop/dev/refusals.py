"""What the Runtime API says where it does not do what it was asked, and where it does."""

from everloop.dev.http_answers import encode_answer, error_answer

OK = encode_answer(202, b'{"status":"OK"}\n')
"""To every POST that is taken."""

NOT_FOUND = encode_answer(404, b"404 page not found\n", content_type=b"text/plain")
NOT_ALLOWED = encode_answer(405, b"")
WRONG_ORDER = error_answer(403, "InvalidStateTransition", "The Runtime API does not expect this now")
UNKNOWN_ID = error_answer(400, "InvalidRequestID", "No invocation with this id is waiting for an answer")
OTHER_ATTEMPT = error_answer(400, "InvalidInvocationId", "This answers another attempt of the invocation")
TOO_LATE = error_answer(410, "InvokeTimeout", "The invocation has timed out; its caller has been answered")
WRONG_MODE = error_answer(
    400, "InvalidFunctionResponseMode", "Lambda-Runtime-Function-Response-Mode is `streaming` or not sent at all"
)
