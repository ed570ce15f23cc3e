"""`http.response.start` messages to response heads."""

from typing import Any

from everloop.asgi.types import Message
from everloop.errors import ProtocolError
from everloop.exchange import HOP_BY_HOP, ResponseHead, checked

HAS = "http.response.start has"


def response_head(message: Message) -> ResponseHead:
    """Read the message. Raises `ProtocolError` for fields that are missing, of a wrong type, or not allowed by HTTP."""
    status = message.get("status")
    if type(status) is not int:
        status = _status(status)  # http.HTTPStatus, for one
    if not 100 <= status <= 999:
        raise ProtocolError(f"http.response.start has status {status!r}, expected an int from 100 to 999")
    headers = message.get("headers", ())
    if type(headers) is not list:
        headers = _list(headers)  # what can be iterated over only once is gone through twice
    try:
        # Without a call for each: nearly always every name is known.
        return ResponseHead(
            status,
            [
                (text, decoded if (decoded := value.decode("latin-1")).isprintable() else checked(HAS, text, decoded))
                for name, value in headers
                if (text := _names[name]) is not None
            ],
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return ResponseHead(status, _decoded(headers))


_names: dict[bytes, str | None] = {}
"""Header names as text, None for those that are dropped: valid ones. The same few come again; the first stay."""

_REMEMBERED = 512


def _decoded(headers: list[Any]) -> list[tuple[str, str]]:
    """Decode headers one by one, and remember their names. Raises `ProtocolError`."""
    pairs = []
    try:
        for name, value in headers:
            text = name.lower().decode("latin-1")
            decoded = checked(HAS, text, value.decode("latin-1"))
            if len(_names) < _REMEMBERED and type(name) is bytes:
                _names[name] = None if text in HOP_BY_HOP else text
            if text not in HOP_BY_HOP:
                pairs.append((text, decoded))
    except (AttributeError, TypeError, ValueError) as error:
        raise _not_pairs(headers) from error
    return pairs


def _list(headers: Any) -> list[Any]:
    try:
        return list(headers)
    except TypeError as error:
        raise _not_pairs(headers) from error


def _not_pairs(headers: object) -> ProtocolError:
    return ProtocolError(f"http.response.start has headers {headers!r}, expected an iterable of pairs of bytes")


def _status(status: object) -> int:
    if not isinstance(status, int) or isinstance(status, bool):
        raise ProtocolError(f"http.response.start has status {status!r}, expected an int from 100 to 999")
    return int(status)
