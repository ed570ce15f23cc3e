"""What takes the bodies that a runtime sends: responses, errors, failed starts."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Protocol

from everloop.dev.calls import Failure
from everloop.dev.executions import Work
from everloop.dev.http_answers import error_answer
from everloop.dev.http_server import Exchange
from everloop.dev.refusals import OK, TOO_LATE

MAX_PAYLOAD = 6 * 1024 * 1024 + 100
"""Bytes of a buffered response."""
MAX_STREAM = 200 * 1024 * 1024
"""Bytes of a streamed response."""
MAX_ERROR = 1024 * 1024
"""Bytes of an error's JSON."""

ERROR_TYPE = b"lambda-runtime-function-error-type"
ERROR_BODY = b"lambda-runtime-function-error-body"
KNOWN_ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")
ERROR_WITH_CAUSE = b"application/vnd.aws.lambda.error.cause+json"


class Api(Protocol):
    """What is told when a body is whole, or will not be."""

    def answered(self, work: Work, exchange: Exchange) -> None:
        """The runtime has said all about an invocation that it may say."""

    def truncated(self, work: Work) -> None:
        """The connection ended within a response."""

    def start_failed(self, error_type: str, payload: bytes) -> None:
        """Initialisation or restoring failed."""


class Collector:
    """Takes a small body whole; one that is over the limit is answered 413."""

    def __init__(self, exchange: Exchange, limit: int) -> None:
        self._exchange = exchange
        self._limit = limit
        self._body = bytearray()

    def piece(self, data: bytes) -> None:
        """Keep a piece."""
        if len(self._body) + len(data) > self._limit:
            self._exchange.answer(error_answer(413, "RequestEntityTooLarge", f"The body is over {self._limit} bytes"))
        else:
            self._body += data

    def complete(self, trailers: Mapping[bytes, bytes]) -> None:
        """Hand the body on, where it was not refused."""
        if not self._exchange.answered:
            self.whole(bytes(self._body))

    def broken(self) -> None:
        """Forget it."""

    def whole(self, body: bytes) -> None:
        """Take the whole body."""
        raise NotImplementedError


class ResponseReceiver:
    """Takes the body of a response."""

    def __init__(self, api: Api, exchange: Exchange, work: Work) -> None:
        self._api = api
        self._exchange = exchange
        self._work = work
        self._size = 0
        self._limit = MAX_STREAM if work.call.streaming else MAX_PAYLOAD
        self._refused = False
        self._declared = exchange.headers.get(b"trailer", b"").lower()
        length = exchange.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._limit:
            self._refuse()

    def piece(self, data: bytes) -> None:
        """Hand a piece to the caller, unless that makes too many bytes."""
        self._size += len(data)
        if self._size > self._limit:
            self._refuse()
        elif not self._refused:
            self._work.piece(data)

    def _refuse(self) -> None:
        """Fail the call: its response is too large. What is still to come is read and dropped."""
        if self._refused:
            return
        self._refused = True
        self._exchange.answer(error_answer(413, "RequestEntityTooLarge", f"A response may have {self._limit} bytes"))
        error = {
            "errorType": "Function.ResponseSizeTooLarge",
            "errorMessage": f"Response payload size exceeded maximum allowed payload size ({self._limit} bytes).",
        }
        self._work.fail(Failure.TOO_LARGE, error["errorType"], json.dumps(error).encode())
        self._api.answered(self._work, self._exchange)

    def complete(self, trailers: Mapping[bytes, bytes]) -> None:
        """The response is whole, or ended by an error in its trailers."""
        if self._refused:
            return
        work = self._work
        if work.done:  # timed out meanwhile, and its environment lives
            self._exchange.answer(TOO_LATE)
        else:
            if ERROR_TYPE in trailers and ERROR_TYPE in self._declared:
                body = trailers.get(ERROR_BODY, b"") if ERROR_BODY in self._declared else b""
                work.fail(Failure.FUNCTION, _error_type(trailers[ERROR_TYPE], b""), _decoded(body))
            else:
                work.complete()
            self._exchange.answer(OK)
        self._api.answered(work, self._exchange)

    def broken(self) -> None:
        """The connection ended."""
        if not self._refused:
            self._api.truncated(self._work)


class ErrorReceiver(Collector):
    """Takes the body of an invocation's error."""

    def __init__(self, api: Api, exchange: Exchange, work: Work) -> None:
        super().__init__(exchange, MAX_PAYLOAD)
        self._api = api
        self._exchange = exchange
        self._work = work
        work.responding = True

    def broken(self) -> None:
        """The connection ended."""
        self._api.truncated(self._work)

    def whole(self, body: bytes) -> None:
        """Fail the call with it."""
        work = self._work
        if work.done:
            self._exchange.answer(TOO_LATE)
        else:
            headers = self._exchange.headers
            if headers.get(b"content-type") == ERROR_WITH_CAUSE:
                body = _without_cause(body)
            work.fail(Failure.FUNCTION, _error_type(headers.get(ERROR_TYPE), body), body)
            self._exchange.answer(OK)
        self._api.answered(work, self._exchange)


class StartErrorReceiver(Collector):
    """Takes the body of an error of initialisation or of restoring."""

    def __init__(self, api: Api, exchange: Exchange) -> None:
        super().__init__(exchange, MAX_ERROR)
        self._api = api
        self._exchange = exchange

    def whole(self, body: bytes) -> None:
        """Tell the environment."""
        self._exchange.answer(OK)
        self._api.start_failed(_error_type(self._exchange.headers.get(ERROR_TYPE), body), body)


def _error_type(header: bytes | None, body: bytes) -> str:
    """Give the type that Lambda takes an error to be of: what it does not know, it calls unknown."""
    if header is None:
        try:
            said = json.loads(body).get("errorType")
        except (ValueError, AttributeError):
            said = None
        return said if isinstance(said, str) else "Runtime.Unknown"
    text = header.decode("latin-1")
    if KNOWN_ERROR_TYPE.search(text):
        return text
    return "Function.Unknown" if text.startswith("Function.") else "Runtime.Unknown"


def _decoded(trailer: bytes) -> bytes:
    """Decode the base64 of an error's trailer; what is not base64 is passed on as it came."""
    try:
        return base64.b64decode(trailer, validate=True)
    except binascii.Error:
        return trailer


def _without_cause(body: bytes) -> bytes:
    """Take X-Ray's part out of an error that brings both."""
    try:
        error = json.loads(body)
        error.pop("errorCause", None)
    except (ValueError, AttributeError):
        return body
    return json.dumps(error).encode()
