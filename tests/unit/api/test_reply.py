"""The right to answer one invocation: once, in order, and nothing behind the end."""

import asyncio
from collections.abc import Iterator

import pytest

from everloop.api.reply import ReplyState
from everloop.errors import IllegalTransition
from everloop.report import ErrorReport
from support.answering import Answering
from support.hostile import VirtualLoop

REPORT = ErrorReport("Whim", "on purpose")
TRAILERS = {b"lambda-runtime-function-error-type", b"lambda-runtime-function-error-body"}


@pytest.fixture
def answering() -> Iterator[Answering]:
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    yield Answering(loop)
    loop.close()
    asyncio.set_event_loop(None)


def test_an_answer_is_given_once(answering: Answering) -> None:
    """A second one is a mistake of everloop's own, and says so."""
    answering.reply.complete(b"1")
    with pytest.raises(IllegalTransition):
        answering.reply.complete(b"2")
    with pytest.raises(IllegalTransition):
        answering.reply.start(b"text/plain")

    assert answering.post().content == b"1"


@pytest.mark.parametrize("last", [b"", b"c"])
def test_a_stream_is_its_pieces_in_order(answering: Answering, last: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Empty ones left out, which would end it; nothing is sent behind its end."""
    reply = answering.reply
    reply.start(b"text/plain", b"a", b"", b"b")
    reply.write(b"")
    reply.finish(last)
    reply.write(b"behind the end")
    reply.fail(REPORT)  # the log's alone

    post = answering.post()
    assert (bytes(post.content), post.complete, post.trailers) == (b"ab" + last, True, {})
    assert not answering.wire.write_through
    assert reply.state is ReplyState.COMPLETED
    assert answering.wire.behind == b""
    assert caplog.messages == ["Whim after the response was COMPLETED: on purpose"]


def test_a_stream_fails_once(answering: Answering) -> None:
    """By trailers, which end it: a second failure, a piece or an end after that reach nobody."""
    reply = answering.reply
    reply.start(b"text/plain", b"a")
    assert answering.wire.write_through
    reply.fail(REPORT)
    reply.fail(REPORT)
    reply.write(b"behind the end")

    post = answering.post()
    assert (bytes(post.content), post.complete, set(post.trailers)) == (b"a", True, TRAILERS)
    assert not answering.wire.write_through
    assert answering.wire.behind == b""


def test_a_failure_before_the_start_is_an_error(answering: Answering) -> None:
    """One POST to /error."""
    answering.reply.fail(REPORT)
    answering.reply.fail(REPORT)

    assert answering.post().kind == "error"
    assert answering.reply.state is ReplyState.FAILED


@pytest.mark.parametrize("streaming", [True, False])
def test_a_lost_connection_is_told_once_and_takes_what_is_sent(answering: Answering, *, streaming: bool) -> None:
    """Whatever is said after it goes nowhere, and raises nothing."""
    reply = answering.reply
    if streaming:
        reply.start(b"text/plain", b"a")
    answering.wire.drop(None)
    answering.turn()
    assert (reply.state, reply.broken, answering.broke) == (ReplyState.BROKEN, True, 1)

    reply.start(b"text/plain", b"a")
    reply.write(b"b")
    reply.finish()
    reply.complete(b"1")
    reply.fail(REPORT)
    assert len(answering.api.posts) == streaming


def test_a_stream_that_is_refused_in_the_middle_is_broken_off(answering: Answering) -> None:
    """The application is told, and the connection ends: half a request is on it."""
    answering.reply.start(b"text/plain", b"a")
    answering.post()
    answering.wire.respond(413, {}, b'{"errorType":"RequestEntityTooLarge"}')
    answering.turn()

    assert (answering.reply.broken, answering.broke, answering.wire.gone) == (True, 1, True)


def test_the_slot_is_released_once(answering: Answering) -> None:
    """However often it is said."""
    answering.reply.complete(b"1")
    answering.reply.release()
    answering.reply.release()

    assert answering.released == 1
