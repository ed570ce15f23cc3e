"""An HTTP response, and what can be wrong with the JSON that should have become one."""

import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

RawHeaders = list[tuple[bytes, bytes]]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_FORBIDDEN = re.compile(r"[\r\n\0]").search

_PER_CONNECTION = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)


@dataclass(slots=True)
class Answer:
    """A response as it goes to the client."""

    status: int = 200
    headers: RawHeaders = field(default_factory=list)
    body: bytes = b""

    def has(self, name: bytes) -> bool:
        """Say whether there is a header of this lower-case name."""
        return any(key == name for key, _ in self.headers)


class MalformedAnswer(Exception):
    """What the function returned is no response for this front end; the message says what is wrong with it."""


def status_of(value: object) -> int:
    """Read a `statusCode`: a number, or one in a string. Raises `MalformedAnswer`."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 200 <= value <= 599:
        return value
    raise MalformedAnswer(f"statusCode is {value!r}; it must be a number from 200 to 599.")


def header(name: str, value: object) -> tuple[bytes, bytes]:
    """Encode a header. Raises `MalformedAnswer` for what cannot stand in a response."""
    if not _TOKEN(name):
        raise MalformedAnswer(f"The header name {name!r} has characters that HTTP does not allow in one.")
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str):
        raise MalformedAnswer(f"The header {name!r} is {value!r}; its value must be a string.")
    if _FORBIDDEN(value):
        raise MalformedAnswer(f"The header {name!r} has a line break or NUL in its value.")
    try:
        encoded = value.encode("latin-1")
    except UnicodeEncodeError:
        encoded = value.encode("utf-8", "replace")
    return name.lower().encode("ascii"), encoded


def single_headers(value: object) -> RawHeaders:
    """Read `headers`. A name may stand there in several spellings. Raises `MalformedAnswer`."""
    return [header(name, one) for name, one in _object("headers", value).items() if one is not None]


def multi_headers(value: object) -> RawHeaders:
    """Read `multiValueHeaders`. Raises `MalformedAnswer`."""
    found: RawHeaders = []
    for name, values in _object("multiValueHeaders", value).items():
        if not isinstance(values, list):
            raise MalformedAnswer(f"multiValueHeaders[{name!r}] is {values!r}; it must be a list of strings.")
        found += [header(name, one) for one in values]
    return found


def merged(single: RawHeaders, multi: RawHeaders) -> RawHeaders:
    """Merge `headers` and `multiValueHeaders`; a pair that stands in both counts once."""
    return [pair for pair in single if pair not in multi] + multi


def cookie_headers(value: object) -> RawHeaders:
    """Read `cookies`: each becomes a `set-cookie`. Raises `MalformedAnswer`."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedAnswer(f"cookies is {value!r}; it must be a list of strings.")
    return [header("set-cookie", one) for one in value]


def body_of(envelope: Mapping[str, Any]) -> bytes:
    """Read `body`, in base64 where `isBase64Encoded` says so. Raises `MalformedAnswer`."""
    body = envelope.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedAnswer(f"body is {type(body).__name__}; it must be a string: JSON goes there as text.")
    encoded = envelope.get("isBase64Encoded")
    if encoded is not None and not isinstance(encoded, bool):
        raise MalformedAnswer(f"isBase64Encoded is {encoded!r}; it must be true or false.")
    if not encoded:
        return body.encode("utf-8", "replace")
    try:
        return b64decode(body, validate=True)
    except ValueError as error:
        raise MalformedAnswer(f"isBase64Encoded is true, but the body is no base64: {error}.") from error


def without(headers: RawHeaders, dropped: Iterable[bytes] = ()) -> RawHeaders:
    """Drop what belongs to one connection, the length, which the front end counts itself, and `dropped`."""
    gone = {*_PER_CONNECTION, b"content-length", *dropped}
    return [pair for pair in headers if pair[0] not in gone]


def _object(name: str, value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedAnswer(f"{name} is {type(value).__name__}; it must be an object of strings.")
    return value
