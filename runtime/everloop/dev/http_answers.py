"""The Runtime API's answers as bytes."""

import json
from collections.abc import Iterable
from http import HTTPStatus

JSON = b"application/json"

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


def encode_answer(
    status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = (), content_type: bytes = JSON
) -> bytes:
    """Encode a whole answer. Line ends in header values become spaces: a header cannot begin another one."""
    fields = b"".join(
        b"%b: %b\r\n"
        % (name, value.replace(b"\r", b" ").replace(b"\n", b" ") if b"\n" in value or b"\r" in value else value)
        for name, value in headers
    )
    return b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\n%bContent-Length: %d\r\n\r\n%b" % (
        status,
        _REASONS[status],
        content_type,
        fields,
        len(body),
        body,
    )


def error_answer(status: int, error_type: str, message: str) -> bytes:
    """Encode a refusal as the Runtime API words it."""
    return encode_answer(status, json.dumps({"errorMessage": message, "errorType": error_type}).encode() + b"\n")
