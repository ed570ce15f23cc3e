"""Heads that are remembered: a reader that has learned how Lambda writes its events tells what a new one does."""

from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everloop.headers import FIELDS, Headers, ShapedHeaders
from everloop.invocation import Invocation
from everloop.wire import head_shape
from everloop.wire.head_shape import LEARNED_AFTER, REMEMBERED, shape_of
from everloop.wire.http1 import AnswerReader, ApiAnswer

NAMES = (
    b"Content-Type",
    b"Lambda-Runtime-Aws-Request-Id",
    b"Lambda-Runtime-Deadline-Ms",
    b"Lambda-Runtime-Trace-Id",
)
ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'


def event(*values: bytes, names: tuple[bytes, ...] = NAMES, body: bytes = b"{}") -> bytes:
    lines = b"".join(b"%b: %b\r\n" % pair for pair in zip(names, values, strict=True))
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (lines, len(body), body)


PLAIN = event(b"application/json", b"id-1", b"1768254259123", b"Root=1")
OTHERS = [
    PLAIN,
    event(b"application/json", b"id-22", b"1768254259124", b"", body=b'{"a": "\xc3\xa9"}'),
    event(b"text/plain", b"id-3", b"5", b"Root=2; x: y", body=b""),
    event(b"a", b"b", b"c", b"  led by spaces"),
    event(b"a", b"b", b"c", b"ended by spaces  "),
    event(b"a", b"b", b"c", b"\xe9\xff"),
    event(b"id-4", b"5", names=(b"Lambda-Runtime-Aws-Request-Id", b"Lambda-Runtime-Deadline-Ms")),
    event(b"a", b"b", b"c", b"d", names=(*NAMES[:3], b"Lambda-Runtime-Tenant")),
    event(b"a", b"b", b"c", b"d", names=tuple(map(bytes.lower, NAMES))),
    event(b"a", b"b", b"c", b"d", b"twice", names=(*NAMES, b"Lambda-Runtime-Trace-Id")),
    PLAIN.replace(b"200 OK", b"200 Fine"),
    PLAIN.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked").replace(b"{}", b"2\r\n{}\r\n0\r\n\r\n"),
    PLAIN.replace(b"Content-Length: 2\r\n\r\n", b"Content-Length: 2\r\nX-Later: 1\r\n\r\n"),
    ACCEPTED,
]
LAST = [
    event(b"a", b"b", b"c", b"d", b"close", names=(*NAMES, b"Connection")),
    PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
]
"""After which nothing may follow."""


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test teaches must not help the next."""
    monkeypatch.setattr(head_shape, "_seen", {})
    monkeypatch.setattr(head_shape, "_shapes", {})


def learned(*answers: bytes) -> AnswerReader:
    """A reader that has often seen each of these."""
    reader = AnswerReader()
    for answer in answers:
        for _ in range(LEARNED_AFTER):
            reader.receive(answer)
    return reader


def said(answers: list[ApiAnswer]) -> list[tuple[int, dict[bytes, bytes | None], bytes, bool]]:
    return [(answer.status, as_dict(answer.headers), answer.body, answer.keep_alive) for answer in answers]


def as_dict(headers: Headers) -> dict[bytes, bytes | None]:
    names = headers.names if isinstance(headers, ShapedHeaders) else cast("dict[bytes, bytes]", headers)
    return {name: headers.get(name) for name in names}


def is_read_by_its_shape(answer: ApiAnswer) -> bool:
    return isinstance(answer.headers, ShapedHeaders)


def test_a_head_that_was_seen_often_is_read_by_its_shape() -> None:
    """That is what this is for."""
    [answer] = learned(PLAIN).receive(OTHERS[1])

    assert is_read_by_its_shape(answer)
    assert said([answer]) == said(AnswerReader().receive(OTHERS[1]))


def test_a_head_that_was_seen_seldom_is_parsed() -> None:
    """Learning costs half a millisecond, which a function that is called twice must not pay."""
    reader = AnswerReader()

    assert not any(is_read_by_its_shape(reader.receive(PLAIN)[0]) for _ in range(LEARNED_AFTER))
    assert is_read_by_its_shape(reader.receive(PLAIN)[0])


def test_all_connections_learn_together() -> None:
    """Sixty-four slots have one server at their other end."""
    learned(PLAIN)
    reader = AnswerReader()
    reader.receive(PLAIN)

    assert is_read_by_its_shape(reader.receive(PLAIN)[0])


@given(st.lists(st.sampled_from(OTHERS), min_size=1, max_size=8), st.data())
def test_a_reader_that_has_learned_tells_what_a_new_one_does(answers: list[bytes], data: st.DataObject) -> None:
    """Whatever comes, and however the network cuts it."""
    stream = b"".join(answers)
    cuts = data.draw(st.sets(st.integers(1, len(stream) - 1), max_size=6))
    boundaries = {sum(map(len, answers[:count])) for count in range(1, len(answers))}
    ends = [0, *sorted(cuts | boundaries), len(stream)]
    reader = learned(PLAIN)

    told = [one for start, end in pairwise(ends) for one in said(reader.receive(stream[start:end]))]
    assert told == [one for answer in answers for one in said(AnswerReader().receive(answer))]


@pytest.mark.parametrize("last", LAST)
def test_an_answer_that_ends_the_connection_says_so(last: bytes) -> None:
    """By a header that is no part of the shape, or by its version."""
    for _ in range(LEARNED_AFTER):
        AnswerReader().receive(last)
    [answer] = learned(PLAIN).receive(last)

    assert said([answer]) == said(AnswerReader().receive(last))
    assert not answer.keep_alive


def test_a_server_that_says_keep_alive_every_time_may_say_close() -> None:
    """That header is read each time: no shape has it."""
    names = (*NAMES, b"Connection")
    reader = learned(event(b"a", b"b", b"c", b"d", b"keep-alive", names=names))
    [answer] = reader.receive(event(b"a", b"b", b"c", b"d", b"close", names=names))

    assert not answer.keep_alive


@given(st.lists(st.sampled_from([PLAIN, OTHERS[1], ACCEPTED]), min_size=1, max_size=4))
def test_several_answers_in_one_read_are_told_apart(answers: list[bytes]) -> None:
    """An acknowledgement and the next event come together; a body is never longer than its length says."""
    told = said(learned(PLAIN).receive(b"".join(answers)))

    assert told == [one for answer in answers for one in said(AnswerReader().receive(answer))]


def test_an_event_of_which_the_end_is_still_to_come_waits_for_it() -> None:
    """The shape fits, the body is not all there."""
    reader = learned(PLAIN)

    assert reader.receive(PLAIN[:-1]) == []
    assert said(reader.receive(PLAIN[-1:])) == said(AnswerReader().receive(PLAIN))


@pytest.mark.parametrize("names", [NAMES, NAMES[1:], (*NAMES, FIELDS[1], FIELDS[4], b"Lambda-Runtime-Aws-Tenant-Id")])
def test_an_invocation_is_the_same_either_way(names: tuple[bytes, ...]) -> None:
    """Every field that it has, present or absent."""
    answer = event(*(b"v%d" % number for number, _ in enumerate(names)), names=names)
    [parsed] = AnswerReader().receive(answer)
    [shaped] = learned(answer).receive(answer)
    assert is_read_by_its_shape(shaped)

    def fields(one: ApiAnswer) -> list[object]:
        made = Invocation(one.headers, one.body)
        names = "request_id invocation_id deadline trace_id client_context tenant_id cognito_identity function_arn"
        return [getattr(made, name) for name in names.split()]

    assert fields(shaped) == fields(parsed)


def test_an_answer_without_a_request_id_is_an_error_either_way() -> None:
    """The slot tells which header is missing."""
    answer = event(b"application/json", names=(b"Content-Type",))
    for reader in (AnswerReader(), learned(answer)):
        [told] = reader.receive(answer)
        with pytest.raises(KeyError, match="Lambda-Runtime-Aws-Request-Id"):
            Invocation(told.headers, told.body)


def test_memory_does_not_grow_with_what_is_seen() -> None:
    """A server that writes a new name every time is parsed every time."""
    for number in range(10 * REMEMBERED):
        for _ in range(LEARNED_AFTER + 1):
            shape_of((b"Content-Length", b"X-%d" % number))

    assert len(head_shape._seen) == len(head_shape._shapes) == REMEMBERED
