"""Streamed requests, read back by h11: our own reading would forgive our own mistakes."""

import base64
import json
from typing import Any

import h11
from hypothesis import given
from hypothesis import strategies as st

from everloop.wire import chunked
from everloop.wire.runtime_api import RequestEncoder, error_trailers

ENCODER = RequestEncoder("127.0.0.1:9001", "everloop/test")
HEAD = ENCODER.streaming_response(b"id-1", None, b"text/plain")

chunks = st.lists(st.binary(min_size=1, max_size=70_000), max_size=8)


def read_with_h11(data: bytes) -> tuple[h11.Request, list[bytes], list[tuple[bytes, bytes]]]:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    request: Any = connection.next_event()
    pieces: list[bytes] = []
    while isinstance(event := connection.next_event(), h11.Data):
        pieces.append(bytes(event.data))
    assert isinstance(event, h11.EndOfMessage), event
    assert connection.trailing_data == (b"", False), "nothing may follow the end of the body"
    return request, pieces, list(event.headers)


@given(chunks)
def test_chunks_are_read_back_by_h11(pieces: list[bytes]) -> None:
    """What is written in chunks arrives as it was, and the end is the end."""
    body = b"".join(part for piece in pieces for part in chunked.chunk(piece))

    _, received, trailers = read_with_h11(HEAD + body + chunked.END)

    assert b"".join(received) == b"".join(pieces)
    assert trailers == []


def test_one_chunk_is_these_bytes() -> None:
    """Size in hexadecimal, data, CRLF."""
    assert chunked.chunk(b"x" * 26) == (b"1a\r\n" + b"x" * 26 + b"\r\n",)


def test_a_large_chunk_is_not_copied() -> None:
    """What streams a gigabyte must not handle it twice."""
    data = b"x" * (chunked.SMALL + 1)

    size, same, end = chunked.chunk(data)

    assert (size, end) == (b"4001\r\n", b"\r\n")
    assert same is data


def test_the_end_is_these_bytes() -> None:
    """The last chunk and no trailers."""
    assert chunked.END == b"0\r\n\r\n"
    assert chunked.end_with([]) == chunked.END


def test_trailers_are_these_bytes() -> None:
    """Trailers follow the last chunk, each on its line."""
    assert chunked.end_with([(b"A", b"1"), (b"B", b"2")]) == b"0\r\nA: 1\r\nB: 2\r\n\r\n"


@given(chunks, st.text(max_size=300))
def test_error_trailers_are_read_back_by_h11(pieces: list[bytes], message: str) -> None:
    """A failure in mid-stream is told in trailers; the body holds nothing of it."""
    report = json.dumps({"errorType": "ValueError", "errorMessage": message, "stackTrace": []}).encode()
    body = b"".join(part for piece in pieces for part in chunked.chunk(piece))

    _, received, trailers = read_with_h11(HEAD + body + error_trailers("Function.ValueError", report))

    assert b"".join(received) == b"".join(pieces)
    assert dict(trailers) == {
        b"lambda-runtime-function-error-type": b"Function.ValueError",
        b"lambda-runtime-function-error-body": base64.b64encode(report),
    }


def test_trailers_are_declared_in_the_head() -> None:
    """Lambda ignores trailers that the head did not announce."""
    request, _, trailers = read_with_h11(HEAD + error_trailers("Runtime.IncompleteResponse", b"{}"))
    declared = dict(request.headers)[b"trailer"].lower().split(b", ")

    assert declared == [name for name, _ in trailers]
