"""The prelude of a streamed response: JSON, eight NUL bytes, then the body as it comes.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
"""

from typing import Any

import orjson

from everloop.dev.gateway.answers.answer import (
    Answer,
    MalformedAnswer,
    cookie_headers,
    merged,
    multi_headers,
    single_headers,
    status_of,
    without,
)
from everloop.dev.gateway.answers.remapped import remapped

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
"""What the runtime says of a response that begins with a prelude."""

DELIMITER = bytes(8)
LIMIT = 16_384
"""Bytes within which the delimiter must end."""

_FIELDS = ("statusCode", "headers", "multiValueHeaders", "cookies")


class PreludeReader:
    """Finds the end of the prelude, wherever the network cuts the bytes."""

    def __init__(self, *, multi_value: bool) -> None:
        """`multi_value`: the front end reads `multiValueHeaders` as well, which is REST APIs."""
        self._multi_value = multi_value
        self._read = bytearray()

    def feed(self, data: bytes) -> tuple[Answer, bytes] | None:
        """Take bytes; give the head, and the beginning of the body, once the delimiter has come.

        Raises `MalformedAnswer` for a prelude that is too long or none.
        """
        seen = max(0, len(self._read) - len(DELIMITER) + 1)
        self._read += data
        end = self._read.find(DELIMITER, seen)
        if end < 0:
            if len(self._read) >= LIMIT:
                raise _too_long()
            return None
        if end + len(DELIMITER) > LIMIT:
            raise _too_long()
        # The body may begin with NUL bytes of its own: the first eight are the delimiter, JSON has none.
        rest = bytes(memoryview(self._read)[end + len(DELIMITER) :])
        return self._decode(bytes(memoryview(self._read)[:end])), rest

    def end(self) -> None:
        """Take the end of the response before the delimiter. Raises `MalformedAnswer`."""
        raise MalformedAnswer(
            f"The response ended after {len(self._read)} bytes, before the eight NUL bytes that end its prelude."
        )

    def _decode(self, data: bytes) -> Answer:
        try:
            prelude: Any = orjson.loads(data)
        except ValueError as error:
            raise MalformedAnswer(f"The prelude is no JSON: {error}.") from error
        if not isinstance(prelude, dict):
            raise MalformedAnswer(f"The prelude is {type(prelude).__name__}; it must be an object.")
        if self._multi_value and (unknown := [name for name in prelude if name not in _FIELDS]):
            raise MalformedAnswer(
                f"A prelude may have {', '.join(_FIELDS)} only; this one has {', '.join(unknown)} too."
            )
        headers = single_headers(prelude.get("headers"))
        if self._multi_value:
            headers = merged(headers, multi_headers(prelude.get("multiValueHeaders")))
        headers += cookie_headers(prelude.get("cookies"))
        answer = Answer(status_of(prelude.get("statusCode", 200)), without(remapped(headers)))
        if not answer.has(b"content-type"):
            answer.headers.append((b"content-type", b"application/json" if self._multi_value else _OCTETS))
        return answer


_OCTETS = b"application/octet-stream"


def _too_long() -> MalformedAnswer:
    return MalformedAnswer(
        f"The prelude and its delimiter take more than {LIMIT:,} bytes: send fewer or shorter headers."
    )
