"""`everloop.http_stream()`: what it makes of its arguments, and what it refuses."""

from typing import Any

import pytest

from everloop.http_stream import http_stream


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain", "X-A": ["1", "2"], "Connection": "close"},
        [("Content-Type", "text/plain"), ("X-A", "1"), ("x-a", "2"), ("Transfer-Encoding", "chunked")],
    ],
)
def test_headers_are_a_mapping_or_pairs(headers: Any) -> None:
    """Names become lower case; what is about the connection is left out; cookies come last."""
    head = http_stream(201, headers, ["a=1", "b=2"])
    assert (head.status, head.headers) == (
        201,
        [("content-type", "text/plain"), ("x-a", "1"), ("x-a", "2"), ("set-cookie", "a=1"), ("set-cookie", "b=2")],
    )


@pytest.mark.parametrize("status", [99, 1000, True])
def test_a_wrong_status(status: int) -> None:
    """True is no status."""
    with pytest.raises(ValueError, match="status"):
        http_stream(status)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"headers": {"x-a": 1}}, "not iterable|expected text"),
        ({"headers": {"x-a": [b"1"]}}, "expected text"),
        ({"headers": {b"x-a": "1"}}, "expected text"),
        ({"cookies": "a=1"}, "expected a list of Set-Cookie values"),
    ],
)
def test_headers_that_are_no_text(arguments: dict[str, Any], said: str) -> None:
    """The name and what came."""
    with pytest.raises(TypeError, match=said):
        http_stream(**arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"headers": {"Location": "/a\r\nSet-Cookie: x=1"}}, "header location with"),
        ({"headers": {"X A": "1"}}, "header named 'x a'"),
        ({"cookies": ["a=1\n"]}, "header set-cookie with"),
    ],
)
def test_a_header_cannot_hold_another_one(arguments: dict[str, Any], said: str) -> None:
    """Said where the head is made, so that the traceback names the line of the handler's."""
    with pytest.raises(ValueError, match=said):
        http_stream(**arguments)
