"""`http.response.start` messages to response heads."""

from everloop.asgi.types import Message
from everloop.errors import ProtocolError
from everloop.exchange import ResponseHead

_HOP_BY_HOP = frozenset(("transfer-encoding", "connection", "keep-alive"))
"""Headers about a connection that the response does not take (RFC 9110, section 7.6.1)."""


def response_head(message: Message) -> ResponseHead:
    """Read the message. Raises `ProtocolError` for fields that are missing or of a wrong type."""
    status = message.get("status")
    if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 999:
        raise ProtocolError(f"http.response.start has status {status!r}, expected an int from 100 to 999")
    try:
        headers = [
            (text, value.decode("latin-1"))
            for name, value in message.get("headers", ())
            if (text := name.lower().decode("latin-1")) not in _HOP_BY_HOP
        ]
    except (AttributeError, TypeError, ValueError) as error:
        raise ProtocolError(
            f"http.response.start has headers {message.get('headers')!r}, expected an iterable of pairs of bytes"
        ) from error
    return ResponseHead(int(status), headers)
