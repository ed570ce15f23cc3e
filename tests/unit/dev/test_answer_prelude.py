"""The prelude of a streamed response, wherever the network cuts it."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everloop.dev.gateway.answers.answer import Answer, MalformedAnswer
from everloop.dev.gateway.answers.prelude import DELIMITER, LIMIT, PreludeReader

PRELUDE = {
    "statusCode": 201,
    "headers": {"Content-Type": "text/plain", "X-One": "1"},
    "cookies": ["a=1", "b=2"],
    "multiValueHeaders": {"x-many": ["p", "q"]},
}
HEAD = json.dumps(PRELUDE).encode()
BODY = b"\0\0\0first\0\0\0\0\0\0\0\0second"
"""It begins with NUL bytes and has a delimiter of its own: neither means anything there."""

REST_HEADERS = [
    (b"content-type", b"text/plain"),
    (b"x-one", b"1"),
    (b"x-many", b"p"),
    (b"x-many", b"q"),
    (b"set-cookie", b"a=1"),
    (b"set-cookie", b"b=2"),
]


def read(pieces: list[bytes], *, multi_value: bool = True) -> tuple[Answer, bytes]:
    """Feed pieces; after the head they are the body."""
    reader = PreludeReader(multi_value=multi_value)
    pieces = list(pieces)
    while pieces:
        found = reader.feed(pieces.pop(0))
        if found is not None:
            head, beginning = found
            return head, beginning + b"".join(pieces)
    reader.end()
    raise AssertionError("end() raises")


def prelude(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + DELIMITER


def test_cut_at_every_byte() -> None:
    """Two pieces, at each place; and every byte by itself."""
    whole = HEAD + DELIMITER + BODY
    expected = (Answer(201, REST_HEADERS), BODY)

    for cut in range(len(whole) + 1):
        assert read([whole[:cut], whole[cut:]]) == expected
    assert read([whole[index : index + 1] for index in range(len(whole))]) == expected


@given(st.binary(max_size=64), st.sets(st.integers(1, 400), max_size=12))
def test_any_split_says_the_same(body: bytes, cuts: set[int]) -> None:
    """Where the network cuts the bytes does not change what was said."""
    whole = HEAD + DELIMITER + body
    edges = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    pieces = [whole[start:end] for start, end in itertools.pairwise(edges)]

    assert read(pieces) == (Answer(201, REST_HEADERS), body)


def test_function_url_reads_no_multi_value_headers() -> None:
    """It has `cookies`, and joins nothing by itself."""
    head, _ = read([HEAD + DELIMITER], multi_value=False)

    assert head.headers == [pair for pair in REST_HEADERS if pair[0] != b"x-many"]


@pytest.mark.parametrize("multi_value", [False, True])
def test_all_fields_are_optional(multi_value: bool) -> None:
    """An empty object is a 200."""
    head, body = read([b"{}" + DELIMITER + b"x"], multi_value=multi_value)

    assert (head.status, body) == (200, b"x")
    assert head.has(b"content-type")


def test_length_and_connection_are_the_servers() -> None:
    """A length that the application meant for another connection cannot break this one."""
    head, _ = read([prelude(headers={"content-type": "a/b", "transfer-encoding": "chunked", "te": "x"})])

    assert head.headers == [(b"content-type", b"a/b")]
    head, _ = read([prelude(headers={"content-type": "a/b", "content-length": "5"})])
    assert head.headers == [(b"content-type", b"a/b"), (b"x-amzn-remapped-content-length", b"5")]


def test_delimiter_must_end_within_16_kilobytes() -> None:
    """One byte more is refused, however it comes; so is one that never ends, before it is read on and on."""

    def sized(size: int) -> bytes:
        filler = size - len(DELIMITER) - len(json.dumps({"headers": {"x": ""}}))
        return prelude(headers={"x": "a" * filler})

    exact = sized(LIMIT)
    assert len(exact) == LIMIT
    assert read([exact + b"body"])[1] == b"body"
    assert read([exact[:100], exact[100:]])[1] == b""
    for pieces in ([sized(LIMIT + 1)], [b"a" * LIMIT], [b"a"] * (LIMIT + 1)):
        with pytest.raises(MalformedAnswer, match="16,384"):
            read(pieces)


@pytest.mark.parametrize(
    "data",
    [
        b"no json" + DELIMITER,
        b"[]" + DELIMITER,
        b"" + DELIMITER,
        prelude(statusCode="x"),
        prelude(headers={"a b": "c"}),
    ],
)
def test_malformed_preludes_are_refused(data: bytes) -> None:
    """They are no response."""
    with pytest.raises(MalformedAnswer):
        read([data])


def test_end_before_the_delimiter_is_refused() -> None:
    """A response that is not whole must not look like one."""
    with pytest.raises(MalformedAnswer, match="3 bytes"):
        read([b"{}\0"])


def test_rest_takes_no_unknown_fields() -> None:
    """Four keys are allowed there, and no other."""
    with pytest.raises(MalformedAnswer, match="body"):
        read([prelude(statusCode=200, body="x")])
    assert read([prelude(statusCode=200, body="x")], multi_value=False)[0].status == 200
