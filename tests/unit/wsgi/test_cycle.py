"""One WSGI response, as PEP 3333 has it, whatever the application does."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from everloop.errors import ClientDisconnected, ProtocolError
from everloop.wsgi.cycle import WsgiCycle, WsgiState
from support.sinks import RecordingSink

ENVIRON: dict[str, Any] = {}
TEXT = [("Content-Type", "text/plain"), ("Connection", "close")]
HEADERS = [("content-type", "text/plain")]


class Pieces:
    """An iterable that counts how often it is closed."""

    def __init__(self, *pieces: Any, fails: BaseException | None = None) -> None:
        self.pieces = pieces
        self.fails = fails
        self.closed = 0

    def __iter__(self) -> Iterator[Any]:
        yield from self.pieces
        if self.fails is not None:
            raise self.fails

    def close(self) -> None:
        self.closed += 1


def run(app: Any, *, method: str = "GET", joined: bool = False) -> tuple[WsgiCycle, RecordingSink]:
    sink = RecordingSink()
    cycle = WsgiCycle(method, sink, joined=joined)
    cycle.run(app, ENVIRON)
    return cycle, sink


def answering(result: Iterable[Any], status: str = "200 OK") -> Any:
    def app(environ: Any, start_response: Any) -> Iterable[Any]:
        start_response(status, TEXT)
        return result

    return app


@pytest.mark.parametrize(
    ("joined", "told"),
    [
        (True, [("start", 200, HEADERS, b"ab", False)]),
        (False, [("start", 200, HEADERS, b"a", True), ("write", b"b", True), ("write", b"", False)]),
    ],
)
def test_pieces_pass_at_once_or_joined(joined: bool, told: list[Any]) -> None:
    """Empty ones are left out; the head goes with the first; hop-by-hop headers are the server's."""
    pieces = Pieces(b"", b"a", b"", b"b")
    cycle, sink = run(answering(pieces), joined=joined)

    assert sink.told == told
    assert (cycle.state, pieces.closed) == (WsgiState.COMPLETE, 1)


@pytest.mark.parametrize("joined", [True, False])
@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Same")])
def test_bodies_that_http_forbids(method: str, status: str, *, joined: bool) -> None:
    """Dropped; what makes them is closed all the same."""
    pieces = Pieces(b"never")
    _, sink = run(answering(pieces, status), method=method, joined=joined)

    assert sink.told == [("start", int(status[:3]), HEADERS, b"", False)]
    assert pieces.closed == 1


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Same")])
def test_a_client_that_gets_no_body_does_not_wait_for_its_end(method: str, status: str) -> None:
    """The whole response leaves with the first piece that is dropped."""
    sink = RecordingSink()
    told: list[int] = []

    def pieces() -> Iterator[bytes]:
        yield b""
        told.append(len(sink.told))
        yield b"never"
        told.append(len(sink.told))
        yield b"never"

    WsgiCycle(method, sink, joined=False).run(answering(pieces(), status), ENVIRON)

    assert told == [0, 1]
    assert sink.told == [("start", int(status[:3]), HEADERS, b"", False)]


def test_write_comes_before_the_iterable() -> None:
    """The old way, in the same stream."""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        write(b"a")
        return [b"b"]

    assert [one[-2] for one in run(app)[1].told] == [b"a", b"b", b""]


def test_start_response_within_the_iterable() -> None:
    """Not before the first piece is asked for: generators are applications."""

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("201 Created", [])
        yield b"a"

    assert run(app)[1].told[0][:2] == ("start", 201)


def failing(start_response: Any, status: str) -> None:
    try:
        raise LookupError("the second thought")
    except LookupError:
        start_response(status, [], sys.exc_info())


def test_a_head_that_is_not_sent_may_be_replaced() -> None:
    """With exc_info; what was joined for the first is dropped."""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", TEXT)(b"first")
        failing(start_response, "503 Busy")
        return [b"busy"]

    assert run(app, joined=True)[1].told == [("start", 503, [], b"busy", False)]


def test_a_head_that_is_sent_stands() -> None:
    """The exception goes on instead."""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", TEXT)(b"first")
        failing(start_response, "503 Busy")
        return []

    with pytest.raises(LookupError, match="the second thought"):
        run(app)


def nothing(environ: Any, start_response: Any) -> Iterable[bytes]:
    return []


def pieces_first(environ: Any, start_response: Any) -> Iterable[bytes]:
    return [b"a"]


def twice(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [])
    start_response("200 OK", [])
    return []


def starting(status: Any, headers: Any) -> Any:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response(status, headers)
        return []

    return app


@pytest.mark.parametrize(
    ("app", "said"),
    [
        (nothing, "returned without calling start_response"),
        (pieces_first, "yielded before it had called start_response"),
        (twice, "called twice without exc_info"),
        (answering(["text"]), "yielded str, expected bytes"),
        (starting(200, []), "a status such as '200 OK'"),
        (starting("OK", []), "a status such as '200 OK'"),
        (starting("099 Odd", []), "expected 100 to 999"),
        (starting("200 OK", [("x", 7)]), "a list of pairs of text"),
        (starting("200 OK", [("x", b"7")]), "a list of pairs of text"),
        (starting("200 OK", [("x",)]), "a list of pairs of text"),
        (starting("200 OK", None), "a list of pairs of text"),
    ],
)
def test_what_pep_3333_forbids(app: Any, said: str) -> None:
    """Said as what was met and what was expected."""
    with pytest.raises(ProtocolError, match=said):
        run(app)


def test_close_is_called_when_it_fails() -> None:
    """And when it never came to the first piece."""
    pieces = Pieces(b"a", fails=ValueError("in the middle"))
    with pytest.raises(ValueError, match="in the middle"):
        run(answering(pieces))
    assert pieces.closed == 1

    pieces = Pieces("no bytes")
    with pytest.raises(ProtocolError):
        run(answering(pieces))
    assert pieces.closed == 1


def test_cut_off_it_stops_at_its_next_piece() -> None:
    """And is closed."""
    sink = RecordingSink()
    cycle = WsgiCycle("GET", sink, joined=False)
    pieces = Pieces(b"a")

    def app(environ: Any, start_response: Any) -> Iterable[Any]:
        start_response("200 OK", [])
        cycle.cut()
        return pieces

    with pytest.raises(ClientDisconnected):
        cycle.run(app, ENVIRON)
    assert (sink.told, pieces.closed) == ([], 1)


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("pieces", [[b"a", b"b"], [], [b""]])
@pytest.mark.parametrize(("lacking", "method", "fails"), [(1, "GET", True), (0, "GET", False), (1, "HEAD", False)])
def test_a_body_that_is_shorter_than_announced_never_looks_whole(
    lacking: int, method: str, pieces: list[bytes], *, fails: bool, joined: bool
) -> None:
    """The client is told another length, so only a failure can tell it; of a file, all may be gone."""
    sink = RecordingSink()
    cycle = WsgiCycle(method, sink, joined=joined)
    length = len(b"".join(pieces)) + lacking

    def app(environ: Any, start_response: Any) -> Iterable[Any]:
        start_response("200 OK", [("Content-Length", str(length))])
        return pieces

    if fails:
        with pytest.raises(ProtocolError, match="1 bytes shorter than its content-length"):
            cycle.run(app, ENVIRON)
    else:
        cycle.run(app, ENVIRON)
    assert (cycle.state is WsgiState.COMPLETE) is not fails
