"""The server's side of HTTP/1.1: wherever the bytes are cut, the same requests come, and are answered in order."""

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from everloop.dev.http_answers import encode_answer
from everloop.dev.http_server import Exchange, HttpConnection

REQUESTS = (
    b"GET /next?x=1 HTTP/1.1\r\nHost: api\r\n\r\n"
    b"POST /a HTTP/1.1\r\nHost: api\r\nContent-Length: 5\r\nX-One: 1\r\nx-one: 2\r\n\r\nhello"
    b"POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n"
    b"3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nT: end\r\n\r\n"
    b"GET /next HTTP/1.1\r\n\r\n"
)
SEEN = [
    ("GET", "/next", b"", {}),
    ("POST", "/a", b"hello", {}),
    ("POST", "/b", b"abcdefg", {b"t": b"end"}),
    ("GET", "/next", b"", {}),
]


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close


class Body:
    """Keeps one request's body."""

    def __init__(self) -> None:
        self.content = b""
        self.trailers: Mapping[bytes, bytes] = {}
        self.end = ""

    def piece(self, data: bytes) -> None:
        assert data
        self.content += data

    def complete(self, trailers: Mapping[bytes, bytes]) -> None:
        assert not self.end
        self.trailers, self.end = trailers, "complete"

    def broken(self) -> None:
        assert not self.end
        self.end = "broken"


class Recorder:
    """Routes that answer nothing by themselves."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.bodies: list[Body] = []
        self.losses = 0

    def begin(self, exchange: Exchange) -> Body:
        self.exchanges.append(exchange)
        self.bodies.append(Body())
        return self.bodies[-1]

    def lost(self, connection: HttpConnection) -> None:
        self.losses += 1

    def seen(self) -> list[tuple[str, str, bytes, Mapping[bytes, bytes]]]:
        return [
            (exchange.method.decode(), exchange.path.decode(), body.content, body.trailers)
            for exchange, body in zip(self.exchanges, self.bodies, strict=True)
        ]


def connected() -> tuple[Recorder, HttpConnection, Transport]:
    routes, transport = Recorder(), Transport()
    connection = HttpConnection(routes)
    connection.connection_made(transport)
    return routes, connection, transport


@given(st.lists(st.integers(0, len(REQUESTS)), max_size=12), st.permutations(range(4)))
def test_cuts_change_nothing(cuts: list[int], order: list[int]) -> None:
    """Requests are read whole from any pieces; answers leave in the requests' order, however they are given."""
    routes, connection, transport = connected()
    edges = sorted({0, *cuts, len(REQUESTS)})
    for start, end in itertools.pairwise(edges):
        connection.data_received(REQUESTS[start:end])
    assert routes.seen() == SEEN
    assert routes.exchanges[1].headers[b"x-one"] == b"1, 2"
    answers = [encode_answer(200, b"%d" % number) for number in range(4)]
    for number in order:
        routes.exchanges[number].answer(answers[number])
    assert transport.written == b"".join(answers)


def test_answers_of_one_turn_leave_in_one_write() -> None:
    """What is answered while bytes are read leaves together; a second answer to a request is dropped."""
    routes, connection, transport = connected()
    connection.data_received(REQUESTS)
    routes.exchanges[1].answer(b"two")
    assert transport.written == b""
    routes.exchanges[0].answer(b"one")
    routes.exchanges[0].answer(b"again")
    assert transport.written == b"onetwo"


@given(st.integers(1, len(REQUESTS) - 1))
def test_an_end_anywhere(cut: int) -> None:
    """Each body ends exactly once: whole, or broken by the end of the connection."""
    routes, connection, _ = connected()
    connection.data_received(REQUESTS[:cut])
    connection.eof_received()
    connection.connection_lost(None)
    assert all(body.end for body in routes.bodies)
    assert [body.end for body in routes.bodies].count("broken") <= 1
    assert routes.losses == 1


@given(st.binary(min_size=1, max_size=200))
def test_noise_is_refused(noise: bytes) -> None:
    """Whatever comes, nothing is raised; what is no HTTP is answered 400 and the connection closed."""
    routes, connection, transport = connected()
    connection.data_received(noise + b"\r\n\r\n")
    assert transport.closed == transport.written.startswith(b"HTTP/1.1 4")
    assert transport.closed or routes.exchanges or not noise.strip()


def test_connection_close() -> None:
    """A request that says so is the last: the connection is closed after its answer."""
    routes, connection, transport = connected()
    connection.data_received(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert not transport.closed
    routes.exchanges[0].answer(b"bye")
    assert transport.closed
    assert transport.written == b"bye"


def test_line_ends_in_answers_begin_no_header() -> None:
    """What a caller puts into a header's value stays in it."""
    encoded = encode_answer(200, b"", [(b"X", b"a\r\nInjected: 1")])
    assert b"\r\nInjected" not in encoded
    assert b"X: a  Injected: 1\r\n" in encoded
