"""Requests to the Extensions API as exact bytes."""

from everloop.wire.extensions_api import IDENTIFIER, next_event, register


def test_a_registration_is_these_bytes() -> None:
    """Of an internal extension, which may ask for no events."""
    assert register("127.0.0.1:9001", "everloop") == (
        b"POST /2020-01-01/extension/register HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nLambda-Extension-Name: everloop\r\n"
        b'Content-Type: application/json\r\nContent-Length: 13\r\n\r\n{"events":[]}'
    )


def test_a_poll_is_these_bytes() -> None:
    """With the identifier that the registration's answer gave."""
    assert IDENTIFIER == b"Lambda-Extension-Identifier"
    assert next_event("127.0.0.1:9001", b"id-1") == (
        b"GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n"
        b"Lambda-Extension-Identifier: id-1\r\n\r\n"
    )
