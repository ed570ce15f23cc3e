"""From an invocation to what the application is called with: HTTP, events, pings, WebSockets, and what is none."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from everloop.errors import MalformedEvent, UnknownEvent, UnmarshalError
from everloop.handlers.answers import BufferedAnswer, StreamedAnswer
from everloop.handlers.events import EventAnswer
from everloop.handlers.front import Call, Front
from everloop.sources.registry import BUILT_IN, HTTP
from everloop.sources.websocket import WebSocketApi
from support.answering import Answering
from support.payloads import payload
from support.sample_events import function_url, http_api, rest

Answers = Callable[[Any], Answering]


def opened(front: Front, answering: Answering) -> Call:
    call = front.open(answering.invocation, answering.reply)
    assert isinstance(call, tuple)
    return call


@pytest.mark.parametrize(
    ("streaming", "event", "kind"),
    [
        (False, function_url(), BufferedAnswer),
        (True, function_url(), StreamedAnswer),
        (True, rest(), StreamedAnswer),
        (True, http_api(), BufferedAnswer),
    ],
)
def test_the_answer_is_streamed_where_mode_and_source_can(
    answering: Answers, streaming: bool, event: Any, kind: type
) -> None:
    """The request, its answer, and the event itself."""
    request, answer, given = opened(Front(streaming=streaming), answering(event))

    assert (request.method, request.path, type(answer), given) == ("GET", request.path, kind, event)


def test_a_source_that_cannot_stream_is_told_of_once(answering: Answers, caplog: pytest.LogCaptureFixture) -> None:
    """Not at every invocation, and by name."""
    front = Front(streaming=True)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            opened(front, answering(http_api()))

    [record] = caplog.records
    assert "http-api" in record.getMessage()


def test_the_base_path_is_taken_off_for_http_alone(answering: Answers) -> None:
    """The request is mounted; an event goes to the path that it is told."""
    front = Front(streaming=False, base_path="/api", events_path="/api/events")
    request, _, _ = opened(front, answering(function_url("/api/parcels")))
    assert (request.root_path, request.path) == ("/api", "/api/parcels")

    request, _, _ = opened(front, answering({"Records": []}))
    assert (request.root_path, request.path) == ("", "/api/events")


def test_an_event_is_posted_byte_for_byte(answering: Answers) -> None:
    """As it came, whatever its spaces; the bytes are let go of by the invocation."""
    raw = b'{ "Records" : [1.0] }'
    call = answering(raw)
    request, answer, event = opened(Front(streaming=True, events_path="/events?from=lambda"), call)

    assert (request.method, request.path, request.query_string) == ("POST", "/events", b"from=lambda")
    assert (request.body, event, type(answer)) == (raw, {"Records": [1.0]}, EventAnswer)
    assert call.invocation.take_payload() == b""


@pytest.mark.parametrize("ping", [{"warmer": True, "concurrency": 3}, {"source": "serverless-plugin-warmup"}])
@pytest.mark.parametrize("path", ["/events", None])
def test_a_ping_is_answered(answering: Answers, ping: Any, path: str | None) -> None:
    """There and then."""
    call = answering(ping)

    assert Front(streaming=False, events_path=path).open(call.invocation, call.reply) is None
    assert call.post().content == b"{}"


@pytest.mark.parametrize("event", [{"warmer": "true"}, {"warmer": 1}, {"source": "aws.events"}, [{"warmer": True}]])
def test_what_only_looks_like_a_ping_is_none(answering: Answers, event: Any) -> None:
    """It is somebody's event."""
    call = answering(event)
    with pytest.raises(UnknownEvent):
        Front(streaming=False).open(call.invocation, call.reply)

    assert not call.posted()


@pytest.mark.parametrize(
    ("event", "error", "path"),
    [
        (b"{", UnmarshalError, "/events"),
        (b"", UnmarshalError, "/events"),
        ([1], UnknownEvent, "/events"),
        ("text", UnknownEvent, "/events"),
        ({"Records": []}, UnknownEvent, None),
        ({**function_url(), "requestContext": {"http": 7}}, MalformedEvent, "/events"),
    ],
)
def test_what_cannot_be_opened(answering: Answers, event: Any, error: type[Exception], path: str | None) -> None:
    """Raised, with nothing sent: whoever called decides."""
    call = answering(event)
    with pytest.raises(error):
        Front(streaming=False, events_path=path).open(call.invocation, call.reply)

    assert not call.posted()


def test_websocket_events_are_a_source_where_they_are_known(answering: Answers) -> None:
    """Elsewhere they are events like any other that is not HTTP."""
    event = payload("websocket", "connect").event
    call = answering(event)
    assert isinstance(Front(streaming=False, sources=BUILT_IN).open(call.invocation, call.reply), WebSocketApi)

    request, _, _ = opened(Front(streaming=False, sources=HTTP, events_path="/events"), answering(event))
    assert request.path == "/events"
