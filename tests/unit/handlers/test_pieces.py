"""What a generator yields, as an answer."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from everloop.errors import ClientDisconnected, MarshalError
from everloop.handlers.front import Front
from everloop.handlers.pieces import Pieces
from everloop.http_stream import http_stream
from support.answering import Answering
from support.hostile import stream_of
from support.sample_events import function_url, http_api, rest

Answers = Callable[[Any], Answering]
HEAD = http_stream(201, {"content-type": "text/plain"}, ["a=1"])
HTTP_STREAM = b"application/vnd.awslambda.http-integration-response"


def pieces(call: Answering, *, streaming: bool) -> Pieces:
    return Pieces(call.reply, call.invocation.event, Front(streaming=streaming), streaming=streaming)


def taken(call: Answering, items: tuple[Any, ...], *, streaming: bool) -> Answering:
    taking = pieces(call, streaming=streaming)
    for item in items:
        taking.take(item)
    taking.finish()
    return call


@pytest.mark.parametrize(
    ("items", "body"),
    [((), b""), (("",), b""), (("é", b"\xff"), b"\xc3\xa9\xff"), ((b"", "a", b"", "b"), b"ab")],
)
def test_a_plain_stream(answering: Answers, items: tuple[Any, ...], body: bytes) -> None:
    """Text as UTF-8, bytes as they are, no prelude; without pieces a stream all the same."""
    post = taken(answering({}), items, streaming=True).post()

    assert (bytes(post.content), post.complete, post.trailers) == (body, True, {})
    assert post.headers[b"content-type"] == b"application/octet-stream"
    assert post.streamed


@pytest.mark.parametrize("items", [(HEAD,), (HEAD, ""), (HEAD, "ma", b"de")])
def test_an_http_stream(answering: Answers, items: tuple[Any, ...]) -> None:
    """A head first; without pieces it is status and headers alone."""
    post = taken(answering(function_url()), items, streaming=True).post()
    prelude, body = stream_of(post)

    assert prelude == {"statusCode": 201, "headers": {"content-type": "text/plain"}, "cookies": ["a=1"]}
    assert (body, post.complete) == (b"made" if len(items) == 3 else b"", True)
    assert post.headers[b"content-type"] == HTTP_STREAM


def test_a_head_waits_for_the_first_piece(answering: Answers) -> None:
    """As everywhere: what fails before it can still be told as a whole."""
    call = answering(function_url())
    taking = pieces(call, streaming=True)
    taking.take(HEAD)
    assert not call.posted()
    taking.take("")

    assert stream_of(call.post())[1] == b""
    assert not call.post().complete


@pytest.mark.parametrize(
    ("items", "payload", "kind"),
    [
        ((), b'""', b"application/json"),
        (("hé", "llo"), b'"h\\u00e9llo"', b"application/json"),
        ((b"\x00", b"\xff"), b"\x00\xff", b"application/unknown"),
        (("é", b"\xff"), b"\xc3\xa9\xff", b"application/unknown"),
    ],
)
def test_joined(answering: Answers, items: tuple[Any, ...], payload: bytes, kind: bytes) -> None:
    """Buffered: text is JSON text, and a single piece of bytes makes bytes of all."""
    post = taken(answering({}), items, streaming=False).post()

    assert (bytes(post.content), post.headers[b"content-type"]) == (payload, kind)
    assert not post.streamed


@pytest.mark.parametrize("event", [function_url(), http_api(), {"not": "http"}])
def test_an_http_stream_is_an_envelope_where_it_is_buffered(answering: Answers, event: Any) -> None:
    """That of the event's source; a Function URL's where there is none."""
    envelope = json.loads(taken(answering(event), (HEAD, "ma", "de"), streaming=False).post().content)

    assert (envelope["statusCode"], envelope["body"], envelope["cookies"]) == (201, "made", ["a=1"])


NO_BODY = [
    (204, function_url()),
    (304, http_api()),
    (200, function_url(method="HEAD")),
    (200, http_api(method="HEAD")),
    (200, rest(method="HEAD")),
    (204, {"not": "http"}),
]


@pytest.mark.parametrize(("status", "event"), NO_BODY)
@pytest.mark.parametrize("items", [(), ("",), ("ma", b"de")])
def test_no_body_where_there_is_none(answering: Answers, status: int, event: Any, items: tuple[Any, ...]) -> None:
    """For HEAD, 204 and 304, whatever is yielded; the headers stand."""
    head = http_stream(status, {"content-length": "4"})
    envelope = json.loads(taken(answering(event), (head, *items), streaming=False).post().content)

    assert (envelope["statusCode"], envelope["body"]) == (status, "")
    assert "content-length" in (envelope.get("headers") or envelope.get("multiValueHeaders"))


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (304, function_url()),
        (200, function_url(method="HEAD")),
        (200, rest(method="HEAD")),
        (204, {"not": "http"}),
    ],
)
def test_no_body_in_a_stream(answering: Answers, status: int, event: Any) -> None:
    """The client has its response with the first piece; what comes after it is dropped."""
    call = answering(event)
    taking = pieces(call, streaming=True)
    for item in (http_stream(status), "ma", b"de"):
        taking.take(item)
        assert call.posted() is isinstance(item, str | bytes)
    assert call.post().complete
    taking.finish()

    prelude, body = stream_of(call.post())
    assert (prelude["statusCode"], body) == (status, b"")


def test_no_piece_and_no_body_in_a_stream(answering: Answers) -> None:
    """The head alone."""
    prelude, body = stream_of(taken(answering(function_url()), (http_stream(204),), streaming=True).post())

    assert (prelude["statusCode"], body) == (204, b"")


@pytest.mark.parametrize("event", [{"requestContext": None}, {"requestContext": {"http": []}}, [], {"httpMethod": 7}])
def test_an_event_that_the_handler_has_changed(answering: Answers, event: Any) -> None:
    """Is asked for its method, and has none."""
    envelope = json.loads(taken(answering(event), (HEAD, "made"), streaming=False).post().content)

    assert envelope["body"] == "made"


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ((7,), "yielded int, expected str or bytes"),
        ((None,), "NoneType"),
        (("a", {"b": 1}), "an everloop.http_stream\\(\\) comes before all pieces"),
        (("a", HEAD), "a second everloop.http_stream\\(\\), or one after its first piece"),
        ((HEAD, HEAD), "a second"),
    ],
)
@pytest.mark.parametrize("streaming", [True, False])
def test_what_is_neither(answering: Answers, items: tuple[Any, ...], said: str, *, streaming: bool) -> None:
    """The error says what came and what may."""
    with pytest.raises(MarshalError, match=said):
        taken(answering(function_url()), items, streaming=streaming)


def test_nobody_can_get_it(answering: Answers) -> None:
    """A generator that goes on after a break is told with its next piece."""
    call = answering({})
    taking = pieces(call, streaming=True)
    taking.take("a")
    call.wire.drop(None)
    call.turn()

    with pytest.raises(ClientDisconnected):
        taking.take("b")
