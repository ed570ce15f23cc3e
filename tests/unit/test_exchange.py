"""The head of a response: what HTTP allows in it, and the length that it announces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everloop.exchange import ResponseHead, fault_of_header

CONTROL = [chr(code) for code in (*range(9), *range(10, 32), 127)]


@pytest.mark.parametrize("name", ["content-type", "x-a.b_c~1", "!#$%&'*+-.^_`|~"])
@pytest.mark.parametrize("value", ["", "a b", "a\tb", "\x80\xa0\xad\xff", '"quoted", (comment)'])
def test_what_http_allows(name: str, value: str) -> None:
    """RFC 9110: tokens as names; as values visible characters, space, tabulator and what is beyond ASCII."""
    assert fault_of_header(name, value) is None


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "x\0", "\xe9", "a(b)", "x-\u20ac"])
def test_a_name_that_is_no_token(name: str) -> None:
    """The name is said as it is written in Python: a line break would break the log as well."""
    fault = fault_of_header(name, "x")
    assert fault is not None
    assert repr(name) in fault


@given(st.text(st.characters(max_codepoint=255)), st.sampled_from(CONTROL), st.text(st.characters(max_codepoint=255)))
def test_a_value_with_a_control_character(before: str, control: str, after: str) -> None:
    """Which one and where, not the value, which may be a secret."""
    place = next((place for place, one in enumerate(before) if one in CONTROL), len(before))
    fault = fault_of_header("set-cookie", before + control + after)
    assert fault is not None
    assert f"set-cookie with {(before + control)[place]!r} at character {place} of its value" in fault
    assert "quote it, or refuse it" in fault


@pytest.mark.parametrize(
    ("value", "length"), [("17", 17), ("0", 0), ("-1", 0), ("1e3", 0), ("9" * 5000, 0), ("\xb2", 0), (None, 0)]
)
def test_the_length_that_a_head_announces(value: str | None, length: int) -> None:
    """What is no length is none: nobody is failed for it."""
    headers = [] if value is None else [("content-length", value)]
    assert ResponseHead(200, headers).announced_length == length
