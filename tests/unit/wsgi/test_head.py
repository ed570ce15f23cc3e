"""Response heads by `start_response()`: names that are remembered change nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everloop.errors import ProtocolError
from everloop.wsgi.head import response_head

NAMES = ["Content-Type", "content-type", "Connection", "X-A", "x-a"]


def headers_of(*headers: tuple[str, str]) -> list[tuple[str, str]]:
    return response_head("200 OK", list(headers)).headers


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["", "1", "\xe9", "a\tb"])), max_size=6))
def test_headers_are_read_alike_known_or_not(headers: list[tuple[str, str]]) -> None:
    """Lower case, in order, without hop-by-hop headers."""
    expected = [(name.lower(), value) for name, value in headers if name != "Connection"]
    assert headers_of(*headers) == expected


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("Location", "/a\r\nSet-Cookie: x=1", r"header location with '\\r' at character 2"),
        ("X-A", " \0", r"header x-a with '\\x00' at character 0"),
        ("X-B\r\nSet-Cookie", "x", r"header named 'x-b\\r\\nset-cookie'"),
    ],
)
def test_a_header_cannot_hold_another_one(name: str, value: str, said: str) -> None:
    """Whether the name is known or not: text from a request must not split the response."""
    for headers in ([(name, value)], [("X-A", "1"), (name, value)], [(name, value)]):
        with pytest.raises(ProtocolError, match=said):
            headers_of(*headers)


def test_spaces_around_a_value_are_not_part_of_it() -> None:
    """Django's `Set-Cookie` begins with one; what is within stays, also what only Unicode takes for a space."""
    head = response_head("200 OK", [("Set-Cookie", " a=1;  Path=/\t"), ("X-Name", "\xa0x\x85")])

    assert head.headers == [("set-cookie", "a=1;  Path=/"), ("x-name", "\xa0x\x85")]
