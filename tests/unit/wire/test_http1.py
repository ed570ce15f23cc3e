"""Reading the Runtime API's answers: where the network cuts the bytes does not change what was said."""

from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everloop.errors import RuntimeApiUnreachable
from everloop.headers import Headers, ShapedHeaders
from everloop.wire.http1 import AnswerReader, ApiAnswer

NEXT = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: application/json\r\n"
    b"Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
    b"Lambda-Runtime-Deadline-Ms: 1768254259123\r\n"
    b'Lambda-Runtime-Client-Context: {"a": 1}\r\n'
    b"Content-Length: 13\r\n\r\n"
    b'{"key": "\xc3\xa9"}'
)
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n" + b'{"status":"OK"}\n'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 413 Request Entity Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def read(*pieces: bytes) -> list[ApiAnswer]:
    reader = AnswerReader()
    return [answer for piece in pieces for answer in reader.receive(piece)]


def said(answers: list[ApiAnswer]) -> list[tuple[int, dict[bytes, bytes | None], bytes, bool]]:
    return [(answer.status, as_dict(answer.headers), answer.body, answer.keep_alive) for answer in answers]


def as_dict(headers: Headers) -> dict[bytes, bytes | None]:
    names = headers.names if isinstance(headers, ShapedHeaders) else cast("dict[bytes, bytes]", headers)
    return {name: headers.get(name) for name in names}


def test_an_answer_is_status_headers_and_body() -> None:
    """Names are lower-case, values are bytes as they came."""
    assert said(read(NEXT)) == [
        (
            200,
            {
                b"Content-Type": b"application/json",
                b"Lambda-Runtime-Aws-Request-Id": b"8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                b"Lambda-Runtime-Deadline-Ms": b"1768254259123",
                b"Lambda-Runtime-Client-Context": b'{"a": 1}',
                b"Content-Length": b"13",
            },
            b'{"key": "\xc3\xa9"}',
            True,
        )
    ]


def test_pipelined_answers_come_in_order() -> None:
    """One read may hold the answer to a response and the next event."""
    assert [answer.status for answer in read(ACCEPTED + NEXT + ACCEPTED)] == [202, 200, 202]


def test_interim_answers_are_none() -> None:
    """`100 Continue` answers nothing."""
    assert [answer.status for answer in read(CONTINUE + ACCEPTED)] == [202]


def test_chunked_answers_are_joined() -> None:
    """The Runtime API may send an event in chunks."""
    assert said(read(CHUNKED))[0][2] == b"abcde"


def test_connection_close_is_told() -> None:
    """After `Connection: close` nothing may follow on this connection."""
    assert [answer.keep_alive for answer in read(TOO_LARGE)] == [False]


def test_headers_of_one_answer_are_not_those_of_the_next() -> None:
    """An id that did not come again must not be seen again."""
    assert said(read(NEXT + EMPTY))[1] == (200, {b"Content-Length": b"0"}, b"", True)


def test_an_answer_is_complete_with_its_last_byte_and_not_before() -> None:
    """The event is handed on as soon as it is there."""
    reader = AnswerReader()

    assert reader.receive(NEXT[:-1]) == []
    assert len(reader.receive(NEXT[-1:])) == 1


STREAM = [ACCEPTED, NEXT, CHUNKED, CONTINUE, EMPTY]


@given(st.lists(st.sampled_from(STREAM), min_size=1, max_size=5), st.data())
def test_any_split_gives_the_same_answers(answers: list[bytes], data: st.DataObject) -> None:
    """Where the network cuts the bytes does not change what was said."""
    stream = b"".join(answers)
    cuts = data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=40))
    pieces = [stream[start:end] for start, end in pairwise([0, *sorted(cuts), len(stream)])]

    assert said(read(*pieces)) == said(read(stream))


DATED = b"HTTP/1.1 202 Accepted\r\nDate: Wed, 25 Nov 2026 04:00:00 GMT\r\nContent-Length: 2\r\n\r\n{}"
ACKNOWLEDGEMENTS = [
    ACCEPTED,
    DATED,
    DATED.replace(b"00 GMT", b"01 GMT"),
    DATED.replace(b"{}", b"[]"),
    DATED[:-2] + b"01",  # begins as the one before it and is another
    b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 202 Accepted\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000,
    CONTINUE + DATED,
    NEXT,
    NEXT.replace(b"200 OK", b"202 OK"),
]


@given(st.lists(st.sampled_from(ACKNOWLEDGEMENTS), min_size=1, max_size=12), st.data())
def test_an_acknowledgement_that_is_known_is_what_parsing_it_gives(answers: list[bytes], data: st.DataObject) -> None:
    """The last one is remembered by its bytes: a reader that has seen it tells what a new one does."""
    stream = b"".join(answers)
    cuts = data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=12))
    boundaries = {sum(map(len, answers[:count])) for count in range(1, len(answers))}
    kept = data.draw(st.sets(st.sampled_from(sorted(boundaries)))) if boundaries else set()
    ends = [0, *sorted(cuts | kept), len(stream)]

    fresh = [one for answer in answers for one in said(read(answer))]
    assert said(read(*(stream[start:end] for start, end in pairwise(ends)))) == fresh


def test_the_last_acknowledgement_is_remembered_and_no_other() -> None:
    """One for each connection: memory does not grow with what Lambda says."""
    reader = AnswerReader()
    first = reader.receive(DATED)

    assert reader.receive(DATED + NEXT)[0] is first[0]
    assert reader.receive(ACCEPTED)[0] is not first[0]
    assert reader.receive(DATED)[0] is not first[0]


def test_an_acknowledgement_that_always_comes_with_an_event_ends_where_it_ends() -> None:
    """What is remembered is its bytes and none of the event's."""
    reader = AnswerReader()

    for _ in range(3):
        assert said(reader.receive(ACCEPTED + NEXT)) == said(read(ACCEPTED, NEXT))


@given(st.lists(st.sampled_from(sorted(said(read(NEXT))[0][1])), unique=True), st.booleans())
def test_names_are_the_same_in_any_case(names: list[bytes], lower: bool) -> None:
    """Lists of names are remembered where they need no change; a server that writes others is understood as well."""
    given_names = [name.lower() if lower else name for name in names]
    head = b"".join(b"%b: 1\r\n" % name for name in given_names if name.title() != b"Content-Length")
    [answer] = read(b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: 0\r\n\r\n")

    assert set(as_dict(answer.headers)) == {*names, b"Content-Length"}


def test_byte_by_byte_gives_the_same_answers() -> None:
    """The worst of all splits."""
    stream = b"".join(STREAM)

    assert said(read(*(stream[i : i + 1] for i in range(len(stream))))) == said(read(stream))


@given(st.binary(max_size=200_000))
def test_bodies_come_through_unchanged(body: bytes) -> None:
    """A body is opaque, whatever its bytes."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)

    assert [answer.body for answer in read(head + body)] == [body]


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\x02\x00",
        b"HTTP/1.1 abc\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\0",
    ],
    ids=["ssh", "tls", "no status", "a request", "zeros"],
)
def test_what_is_not_http_is_a_clear_error(data: bytes) -> None:
    """Something else listens at the address: say so, and show what it said."""
    with pytest.raises(RuntimeApiUnreachable, match="not HTTP"):
        read(data)
