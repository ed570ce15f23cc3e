"""The two ways in which a response leaves: as one envelope, or streamed as it is made."""

import json
import logging
from typing import TYPE_CHECKING, Any, cast

import pytest

from everloop.errors import EverloopError
from everloop.exchange import ResponseHead
from everloop.handlers.answers import BufferedAnswer, StreamedAnswer
from everloop.report import ErrorReport
from everloop.sources.body import TextTypes
from everloop.sources.registry import HTTP, select
from support.payloads import payload
from support.sinks import RecordingReply

if TYPE_CHECKING:
    from everloop.api.reply import Reply

TEXT = ResponseHead(200, [("content-type", "text/plain"), ("content-length", "5")])
PRELUDE = b'{"statusCode":200,"headers":{"content-type":"text/plain"}}' + b"\0" * 8
HTTP_STREAM = b"application/vnd.awslambda.http-integration-response"
LIMIT = 6_291_556


@pytest.fixture
def reply() -> RecordingReply:
    return RecordingReply()


def buffered(reply: RecordingReply, statuses: frozenset[int] = frozenset()) -> BufferedAnswer:
    event = payload("function-url", "get_root").event
    return BufferedAnswer(cast("Reply", reply), select(event, HTTP), event, TextTypes(), statuses)


def streamed(
    reply: RecordingReply, source: str = "function-url", case: str = "get_root", **more: Any
) -> StreamedAnswer:
    return StreamedAnswer(cast("Reply", reply), select(payload(source, case).event, HTTP), **more)


def test_a_buffered_response_is_one_envelope(reply: RecordingReply) -> None:
    """Pieces are joined; the length that the application gave stays."""
    answer = buffered(reply)
    answer.start(TEXT, b"he", True)
    answer.write(b"", True)
    assert reply.told == []
    answer.write(b"llo", False)

    [(how, document, content_type)] = reply.told
    assert (how, content_type) == ("complete", b"application/json")
    assert json.loads(document) == {
        "statusCode": 200,
        "headers": {"content-type": "text/plain", "content-length": "5"},
        "body": "hello",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("pieces", [1, 7])
def test_a_response_over_the_limit_is_an_error_with_both_sizes(reply: RecordingReply, pieces: int) -> None:
    """Lambda would drop it; the developer learns how large it was and how large it may be."""
    answer = buffered(reply)
    answer.start(TEXT, b"", True)
    for _ in range(pieces):
        answer.write(b"x" * (LIMIT // pieces), True)
    answer.write(b"x" * 100, False)

    [(how, error_type, message)] = reply.told
    assert (how, error_type) == ("fail", "Function.ResponseSizeTooLarge")
    assert "6,291,556" in message


def test_the_limit_is_the_documents_and_not_the_bodys(reply: RecordingReply) -> None:
    """Base64 and JSON escapes count: a body of six megabytes of quotation marks is twelve."""
    answer = buffered(reply)
    answer.start(ResponseHead(200, [("content-type", "text/plain")]), b'"' * 4_000_000, False)

    assert [told[:2] for told in reply.told] == [("fail", "Function.ResponseSizeTooLarge")]


def test_a_response_just_within_the_limit_is_sent(reply: RecordingReply) -> None:
    """The limit itself is allowed."""
    envelope = b'{"statusCode":200,"headers":{},"body":"","isBase64Encoded":false}'
    answer = buffered(reply)
    answer.start(ResponseHead(200, []), b"x" * (LIMIT - len(envelope)), False)

    assert [len(told[1]) for told in reply.told if told[0] == "complete"] == [LIMIT]


def test_a_stream_begins_with_head_prelude_and_first_piece_in_one(reply: RecordingReply) -> None:
    """The client's first byte comes with the application's first; the prelude has no content-length."""
    answer = streamed(reply)
    answer.start(TEXT, b"he", True)
    answer.write(b"llo", True)
    answer.write(b"", False)

    assert reply.told == [("start", HTTP_STREAM, PRELUDE, b"he"), ("write", b"llo"), ("finish", b"")]


def test_a_stream_without_body_is_prelude_and_end(reply: RecordingReply) -> None:
    """HEAD, 204 and redirects: the stream ends, so nobody waits for it."""
    answer = streamed(reply)
    answer.start(ResponseHead(204, []), b"", False)

    assert reply.told == [("start", HTTP_STREAM, b'{"statusCode":204,"headers":{}}' + b"\0" * 8, b""), ("finish", b"")]


def test_a_rest_apis_stream_lists_cookies_its_own_way(reply: RecordingReply) -> None:
    """`multiValueHeaders` for REST."""
    answer = streamed(reply, "rest", "get_with_stage")
    answer.start(ResponseHead(200, [("set-cookie", "a=1"), ("set-cookie", "b=2")]), b"x", False)

    prelude = b'{"statusCode":200,"headers":{},"multiValueHeaders":{"set-cookie":["a=1","b=2"]}}' + b"\0" * 8
    assert reply.told == [("start", HTTP_STREAM, prelude, b"x"), ("finish", b"")]


def prelude_of_size(size: int) -> ResponseHead:
    empty = len(b'{"statusCode":200,"headers":{"x":""}}') + 8
    return ResponseHead(200, [("x", "v" * (size - empty))])


def test_a_prelude_at_the_limit_is_sent(reply: RecordingReply) -> None:
    """16,384 bytes with the delimiter."""
    streamed(reply).start(prelude_of_size(16_384), b"x", False)

    assert len(reply.told[0][2]) == 16_384


def test_a_prelude_over_the_limit_is_a_500(reply: RecordingReply, caplog: pytest.LogCaptureFixture) -> None:
    """API Gateway would fail without a word: the log says the size, and the stream is whole."""
    answer = streamed(reply)
    with caplog.at_level(logging.ERROR):
        answer.start(prelude_of_size(16_385), b"x", True)
        answer.write(b"y", True)
        answer.write(b"z", False)

    [(_, _, prelude, body), finish] = reply.told
    assert json.loads(prelude.rstrip(b"\0"))["statusCode"] == 500
    assert body == b"Internal Server Error"
    assert finish == ("finish", b"")
    assert "16385" in caplog.text.replace(",", "")


@pytest.mark.parametrize("make", [buffered, streamed])
def test_a_failing_status_fails_the_invocation_with_its_body(reply: RecordingReply, make: Any) -> None:
    """`EVERLOOP_ERROR_STATUSES`: what the application said is kept in the message."""
    answer = buffered(reply, frozenset({503})) if make is buffered else streamed(reply, error_statuses=frozenset({503}))
    answer.start(ResponseHead(503, [("content-type", "text/plain")]), b"no ", True)
    answer.write(b"database", False)

    [(how, error_type, message)] = reply.told
    assert (how, error_type) == ("fail", "Function.ErrorStatus")
    assert "503" in message
    assert "no database" in message


REPORT = ErrorReport.of(EverloopError("broken"))


def test_a_failure_before_the_end_of_a_buffered_response_is_a_500(reply: RecordingReply) -> None:
    """What was collected is forgotten."""
    answer = buffered(reply)
    answer.start(TEXT, b"half", True)
    answer.replace(500, "Internal Server Error", REPORT)

    assert json.loads(reply.told[0][1]) == {
        "statusCode": 500,
        "headers": {"content-type": "text/plain; charset=utf-8"},
        "body": "Internal Server Error",
        "isBase64Encoded": False,
    }


def test_a_failure_before_a_stream_began_is_a_500(reply: RecordingReply) -> None:
    """Nothing was sent, so there is still a status to give."""
    streamed(reply).replace(500, "Internal Server Error", REPORT)

    assert reply.told[0][2].startswith(b'{"statusCode":500,')
    assert reply.told[-1][0] == "finish"


def test_a_failure_in_mid_stream_is_told_in_trailers(reply: RecordingReply) -> None:
    """The status is out already, and body bytes are never used for an error."""
    answer = streamed(reply)
    answer.start(TEXT, b"half", True)
    answer.replace(500, "Internal Server Error", REPORT)

    assert [told[0] for told in reply.told] == ["start", "fail"]


@pytest.mark.parametrize("source", ["alb", "alb-multi"])
def test_a_response_over_a_load_balancers_limit_is_sent_with_a_warning(
    source: str, reply: RecordingReply, caplog: pytest.LogCaptureFixture
) -> None:
    """The balancer answers 502 and says nothing to us: the log names its limit and the size."""
    event = payload(source, "get").event
    answer = BufferedAnswer(cast("Reply", reply), select(event, HTTP), event, TextTypes())
    with caplog.at_level(logging.WARNING):
        answer.start(ResponseHead(200, [("content-type", "image/png")]), b"\xff" * 900_000, False)

    assert [told[0] for told in reply.told] == ["complete"]
    assert f"The response is {len(reply.told[0][1]):,} bytes as JSON, base64 having added a third" in caplog.text
    assert f"{source} takes at most 1 MB (1,000,000 bytes)" in caplog.text


@pytest.mark.parametrize(("source", "size"), [("alb", 900_000), ("function-url", 2_000_000), ("lattice", 2_000_000)])
def test_a_response_within_its_sources_limit_is_sent_without_a_word(
    source: str, size: int, reply: RecordingReply, caplog: pytest.LogCaptureFixture
) -> None:
    """Only load balancers take less than Lambda."""
    event = payload(source, "get_root" if source == "function-url" else "get").event
    answer = BufferedAnswer(cast("Reply", reply), select(event, HTTP), event, TextTypes())
    answer.start(ResponseHead(200, []), b"x" * size, False)

    assert [told[0] for told in reply.told] == ["complete"]
    assert caplog.text == ""
