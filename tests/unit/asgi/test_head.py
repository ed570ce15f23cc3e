"""Response heads: names that are remembered change nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everloop.asgi.head import response_head
from everloop.errors import ProtocolError

NAMES = [b"content-type", b"Content-Type", b"Connection", b"x-a", b"X-A"]
VALUES = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]) | st.just("\t"), max_size=4).map(
    lambda text: text.encode("latin-1")
)


def headers_of(headers: Any) -> list[tuple[str, str]]:
    return response_head({"type": "http.response.start", "status": 200, "headers": headers}).headers


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=6),
    st.sampled_from([list, tuple, iter]),
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
    ("name", "value", "said"),
    [
        (b"location", b"/a\r\nset-cookie: x=1", r"header location with '\\r' at character 2"),
        (b"x-a", b"\0", r"header x-a with '\\x00' at character 0"),
        (b"x-b\r\nset-cookie", b"x", r"header named 'x-b\\r\\nset-cookie'"),
        (b"", b"x", "header named ''"),
    ],
)
def test_a_header_cannot_hold_another_one(name: bytes, value: bytes, said: str) -> None:
    """Whether the name is known or not: text from a request must not split the response."""
    for headers in ([(name, value)], [(b"x-a", b"1"), (name, value)], [(name, value)]):
        with pytest.raises(ProtocolError, match=said):
            headers_of(headers)
