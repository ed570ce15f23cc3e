"""Response heads: names that are remembered change nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everloop.asgi.head import announced_length, response_head
from everloop.errors import ProtocolError

NAMES = [b"content-type", b"Content-Type", b"Connection", b"x-a", b"X-A"]


def headers_of(headers: Any) -> list[tuple[str, str]]:
    return response_head({"type": "http.response.start", "status": 200, "headers": headers}).headers


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.binary(max_size=4)), max_size=6), st.sampled_from([list, tuple, iter])
)
def test_headers_are_decoded_alike_known_or_not(headers: list[tuple[bytes, bytes]], kind: Any) -> None:
    """Lower-case text in order, without hop-by-hop headers, from whatever can be iterated over."""
    expected = [
        (name.lower().decode(), value.decode("latin-1")) for name, value in headers if name.lower() != b"connection"
    ]

    assert headers_of(kind(headers)) == expected
    assert headers_of([[bytearray(name), value] for name, value in headers]) == expected


@pytest.mark.parametrize("headers", [None, 1, [("content-type", "x")], [(b"content-type", "x")], [(b"content-type",)]])
def test_what_are_no_headers_is_named_every_time(headers: object) -> None:
    """The second time, too."""
    for _ in range(2):
        with pytest.raises(ProtocolError, match="expected an iterable of pairs of bytes"):
            headers_of(headers)


@pytest.mark.parametrize(
    ("value", "length"), [(b"17", 17), (b"0", 0), (b"-1", 0), (b"1e3", 0), (b"9" * 5000, 0), (b"\xb2", 0), (None, 0)]
)
def test_the_length_that_a_head_announces(value: bytes | None, length: int) -> None:
    """What is no length is none: nobody is failed for it."""
    headers = [] if value is None else [(b"Content-Length", value)]
    assert announced_length(response_head({"type": "http.response.start", "status": 200, "headers": headers})) == length
