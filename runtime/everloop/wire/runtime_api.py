"""The requests of the Lambda Runtime API (version 2018-06-01) as bytes.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html and, for streaming,
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
"""

import base64

from everloop.wire import chunked

MAX_PAYLOAD = 6 * 1024 * 1024 + 100
"""Bytes of a buffered response that Lambda takes: 6 MiB and room for an envelope."""

ERROR_TYPE_TRAILER = b"Lambda-Runtime-Function-Error-Type"
ERROR_BODY_TRAILER = b"Lambda-Runtime-Function-Error-Body"

JSON = b"application/json"


class RequestEncoder:
    """Encodes every request to one Runtime API. What does not change is put together once."""

    __slots__ = ("_common", "_json_response", "next", "restore_next")

    def __init__(self, host: str, user_agent: str) -> None:
        common = f" HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {user_agent}\r\n".encode("latin-1")
        self._common = common
        # `%%` in what comes from outside: this is a pattern, to be filled in with id and length.
        self._json_response = (
            b"POST /2018-06-01/runtime/invocation/%%b/response%bContent-Type: %b\r\nContent-Length: %%d"
            % (
                common.replace(b"%", b"%%"),
                JSON,
            )
            + b"\r\n\r\n"
        )
        self.next = b"GET /2018-06-01/runtime/invocation/next" + common + b"\r\n"
        self.restore_next = b"GET /2018-06-01/runtime/restore/next" + common + b"\r\n"

    def response(self, request_id: bytes, invocation_id: bytes | None, content_type: bytes, length: int) -> bytes:
        """Encode the head of a buffered `POST /response`; `length` bytes of body follow it."""
        if content_type == JSON and invocation_id is None:
            return self._json_response % (request_id, length)  # as nearly all are: half of the work
        return b"POST /2018-06-01/runtime/invocation/%b/response%b%bContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (
            request_id,
            self._common,
            _echo(invocation_id),
            content_type,
            length,
        )

    def streaming_response(self, request_id: bytes, invocation_id: bytes | None, content_type: bytes) -> bytes:
        """Encode the head of a streamed `POST /response`; chunks follow it. Both trailers are declared."""
        return (
            b"POST /2018-06-01/runtime/invocation/%b/response%b%b"
            b"Lambda-Runtime-Function-Response-Mode: streaming\r\n"
            b"Content-Type: %b\r\n"
            b"Transfer-Encoding: chunked\r\n"
            b"Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"
            % (request_id, self._common, _echo(invocation_id), content_type)
        )

    def error(
        self,
        request_id: bytes,
        invocation_id: bytes | None,
        error_type: str,
        body: bytes,
        xray_cause: bytes | None = None,
    ) -> bytes:
        """Encode a whole `POST /error`."""
        cause = b"Lambda-Runtime-Function-XRay-Error-Cause: %b\r\n" % xray_cause if xray_cause else b""
        return b"POST /2018-06-01/runtime/invocation/%b/error%b%b%b%b" % (
            request_id,
            self._common,
            _echo(invocation_id),
            cause,
            _failure(error_type, body),
        )

    def init_error(self, error_type: str, body: bytes) -> bytes:
        """Encode a whole `POST /init/error`."""
        return b"POST /2018-06-01/runtime/init/error%b%b" % (self._common, _failure(error_type, body))

    def restore_error(self, error_type: str, body: bytes) -> bytes:
        """Encode a whole `POST /restore/error`."""
        return b"POST /2018-06-01/runtime/restore/error%b%b" % (self._common, _failure(error_type, body))


MAX_TRAILERS = 4_000
"""Bytes of the trailers. Beyond its buffer of 4,096 Go's server, which the Runtime API is, takes a "suspiciously long
trailer" for an attack and drops the whole response; tried with AWS's emulator."""


def room_for_error_body(error_type: str) -> int:
    """Give how many bytes of JSON fit into the trailers beside the type."""
    return (MAX_TRAILERS - len(error_trailers(error_type, b""))) // 4 * 3


def error_trailers(error_type: str, body: bytes) -> bytes:
    """End a streamed body with the trailers that tell Lambda of a failure; `body` is the report's JSON."""
    return chunked.end_with(
        (
            (ERROR_TYPE_TRAILER, error_type.encode("ascii")),
            (ERROR_BODY_TRAILER, base64.b64encode(body)),
        )
    )


def _echo(invocation_id: bytes | None) -> bytes:
    """Send the id of the attempt back where one came, so that Lambda can tell a stale answer."""
    if invocation_id is None:
        return b""
    return b"Lambda-Runtime-Invocation-Id: %b\r\n" % invocation_id


def _failure(error_type: str, body: bytes) -> bytes:
    return b"Lambda-Runtime-Function-Error-Type: %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        error_type.encode("ascii"),
        JSON,
        len(body),
        body,
    )
