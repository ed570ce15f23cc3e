"""The conversation on a blocking socket: what waits, what is lost, and when polling is futile."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator

import pytest
import uvloop

from everloop.api.blocking import BlockingSlot
from everloop.api.blocking_connection import BlockingConnection
from everloop.api.promptness import Habit
from everloop.api.reply import Reply
from everloop.api.slot import POLL_TRIES
from everloop.errors import RuntimeApiRefused, RuntimeApiUnreachable
from everloop.report import ErrorReport
from everloop.wire.http1 import AnswerReader, ApiAnswer
from everloop.wire.runtime_api import RequestEncoder
from support.answers import Answer, Drop, refusal
from support.scripted_api import ScriptedRuntimeApi


@pytest.fixture
def api() -> Iterator[ScriptedRuntimeApi]:
    with ScriptedRuntimeApi() as api:
        yield api
        assert api.faults == []


@pytest.fixture
def slot(api: ScriptedRuntimeApi) -> Iterator[BlockingSlot]:
    host, _, port = api.address.partition(":")
    slot = BlockingSlot(host, int(port), RequestEncoder(api.address, "test"))
    yield slot
    slot.close()


def trusted(reply: Reply) -> Reply:
    reply.habit = Habit()
    reply.habit.trusted = True
    return reply


def test_one_connection_serves_all(api: ScriptedRuntimeApi, slot: BlockingSlot) -> None:
    """An answer that may wait leaves with the next poll, in one write."""
    first, second = api.invoke(1), api.invoke(2)
    invocation, reply = slot.next_invocation()
    segments = api.connections[0].segments()
    trusted(reply).complete(b"one")
    assert first.requests == []
    invocation, reply = slot.next_invocation()

    assert invocation.event == 2
    assert first.wait().body == b"one"
    assert api.connections[0].segments() == segments + 1
    reply.complete(b"two")
    assert second.wait().body == b"two"
    assert len(api.connections) == 1


def test_it_is_not_idle_with_bytes_in_hand(
    api: ScriptedRuntimeApi, slot: BlockingSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal's exception must not come between the socket and the parser: an acknowledgement would be lost."""
    idle = []
    receive = AnswerReader.receive

    def note(reader: AnswerReader, data: bytes) -> list[ApiAnswer]:
        idle.append(slot.idle)
        return receive(reader, data)

    monkeypatch.setattr(AnswerReader, "receive", note)
    api.invoke(1)
    slot.next_invocation()[1].complete(b"one")
    api.invoke(2)
    slot.next_invocation()[1].complete(b"two")
    assert idle
    assert not any(idle)


@pytest.mark.parametrize("how", ["flush", "close"])
def test_what_waits_is_let_go(api: ScriptedRuntimeApi, slot: BlockingSlot, how: str) -> None:
    """Before work in the background, and at the end of the process."""
    exchange = api.invoke(1)
    _, reply = slot.next_invocation()
    trusted(reply).complete(b"one")
    getattr(slot, how)()

    assert exchange.wait().body == b"one"


def test_a_stream_writes_each_piece(api: ScriptedRuntimeApi, slot: BlockingSlot) -> None:
    """Large ones too; a failure is told in trailers."""
    exchange = api.invoke(1)
    _, reply = slot.next_invocation()
    reply.start(b"text/plain", b"a")
    assert not reply.paused  # a write that was made has waited
    exchange.wait_for_bytes(b"a")
    reply.write(b"b" * 200_000)
    reply.fail(ErrorReport("Whim", "on purpose"))

    assert exchange.wait().request.size == 200_001
    assert exchange.trailers["lambda-runtime-function-error-type"] == "Function.Whim"


def test_a_refused_stream_is_noticed_at_the_next_piece(api: ScriptedRuntimeApi, slot: BlockingSlot) -> None:
    """And the next poll goes out on a new connection."""
    exchange = api.invoke(1, answer=refusal(413, "RequestEntityTooLarge", after=1))
    _, reply = slot.next_invocation()
    reply.start(b"text/plain", b"a")
    api.wait_for(lambda: bool(exchange.requests) and exchange.request.answered_at is not None, "the refusal")
    for _ in range(100):
        reply.write(b"b")
        if reply.broken:
            break
        threading.Event().wait(0.01)  # until the refusal has come through the kernel

    assert reply.broken
    api.invoke(2)
    assert slot.next_invocation()[0].event == 2
    assert len(api.connections) == 2


LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])


@LOOPS
def test_what_runs_on_the_loop_is_told_of_the_connection_s_end(
    api: ScriptedRuntimeApi, slot: BlockingSlot, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """Although it sends nothing meanwhile."""
    api.invoke(1)
    _, reply = slot.next_invocation()
    loop = new_loop()

    async def work() -> None:
        broken = asyncio.Event()
        reply.on_broken = broken.set
        api.connections[0].close()
        await asyncio.wait_for(broken.wait(), 10)

    slot.run(loop, work())
    loop.close()
    assert reply.broken


@LOOPS
@pytest.mark.parametrize("how", ["unwatch", "abort"])
def test_a_loop_watches_nothing_that_is_over(
    api: ScriptedRuntimeApi, new_loop: Callable[[], asyncio.AbstractEventLoop], how: str
) -> None:
    """The next connection may have the same descriptor, of which the loop would hear nothing then."""
    host, _, port = api.address.partition(":")
    connection = BlockingConnection(host, int(port))
    loop = new_loop()
    connection.watch(loop)
    descriptor = connection._socket.fileno()
    if how == "unwatch":
        connection.unwatch()
    connection.abort(OSError("the end"))

    assert not loop.remove_reader(descriptor)
    loop.close()


def test_work_that_stops_the_loop_itself_has_failed(slot: BlockingSlot) -> None:
    """Only what is answered for may be left to itself: else nobody would ever learn of it."""
    loop = asyncio.new_event_loop()

    async def work() -> None:
        loop.stop()
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="Event loop stopped"):
        slot.run(loop, work())
    loop.run_until_complete(asyncio.sleep(0))  # the work ends after all
    loop.close()


def test_a_lost_answer_is_not_sent_again(api: ScriptedRuntimeApi, slot: BlockingSlot) -> None:
    """The slot goes on with a new connection."""
    exchange = api.invoke(1, answer=Drop())
    _, reply = slot.next_invocation()
    reply.complete(b"one")
    api.invoke(2)

    assert slot.next_invocation()[0].event == 2
    assert len(exchange.requests) == 1


def test_what_is_cut_off_is_answered_by_who_cut_it(api: ScriptedRuntimeApi, slot: BlockingSlot) -> None:
    """To the handler it is broken; the connection is as good as ever."""
    exchange = api.invoke(1)
    _, reply = slot.next_invocation()
    reply.start(b"text/plain", b"a")
    reply.cut = True
    assert reply.broken
    reply.cut = False
    reply.fail(ErrorReport("Runtime.ShutDown", "the end"))

    assert exchange.wait().trailers["lambda-runtime-function-error-type"] == "Runtime.ShutDown"


def test_a_kept_alive_connection_that_ends_is_no_failure(
    api: ScriptedRuntimeApi, slot: BlockingSlot, caplog: pytest.LogCaptureFixture
) -> None:
    """The lost poll is repeated at once on a new connection, more often than failures are forgiven."""
    for turn in range(POLL_TRIES + 1):
        with caplog.at_level(logging.WARNING):
            api.invoke(turn)
            invocation, reply = slot.next_invocation()
            assert invocation.event == turn
            reply.complete(b"1")
            api.script("next", Drop())

    assert caplog.records == []
    assert len(api.connections) == POLL_TRIES + 1
    assert len(api.requests_to("next")) == 2 * POLL_TRIES + 1


def test_a_connection_that_ends_before_it_has_served_is_a_failure(
    api: ScriptedRuntimeApi, slot: BlockingSlot, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be dialled for ever, and never a wait between."""
    monkeypatch.setattr("everloop.api.blocking.FIRST_WAIT", 0.001)
    api.script("next", *[Drop()] * POLL_TRIES)
    with caplog.at_level(logging.WARNING), pytest.raises(RuntimeApiUnreachable, match="ended the connection"):
        slot.next_invocation()

    assert len(caplog.records) == POLL_TRIES - 1


@pytest.mark.parametrize("close", [True, False])
def test_polls_that_fail_are_tried_again(
    api: ScriptedRuntimeApi, slot: BlockingSlot, caplog: pytest.LogCaptureFixture, *, close: bool
) -> None:
    """An event makes up for all failures before it."""
    for turn in range(2):
        api.script("next", *[Answer(500, b"{}", close=close)] * 3)
        api.invoke(turn)
        with caplog.at_level(logging.WARNING):
            assert slot.next_invocation()[0].event == turn

    waits = [record.getMessage().partition("next try in ")[2][:3] for record in caplog.records]
    assert waits == ["0.1", "0.2", "0.4"] * 2


def test_five_failures_in_a_row_are_the_end(api: ScriptedRuntimeApi, slot: BlockingSlot) -> None:
    """Told with the last one's reason."""
    api.script("next", *[Answer(500, b"{}")] * 5)
    with pytest.raises(RuntimeApiRefused, match="500"):
        slot.next_invocation()

    assert len(api.requests_to("next")) == 5


def test_a_forbidden_poll_is_the_end(api: ScriptedRuntimeApi, slot: BlockingSlot) -> None:
    """At once."""
    api.script("next", refusal(403, "InvalidStateTransition"))
    with pytest.raises(RuntimeApiRefused, match="403"):
        slot.next_invocation()


class Waiter:
    """Expects an answer and keeps what came instead."""

    def __init__(self) -> None:
        self.told: list[Exception] = []

    def answered(self, answer: ApiAnswer) -> None:
        raise AssertionError(answer)

    def lost(self, error: Exception) -> None:
        self.told.append(error)


@pytest.mark.parametrize("how", ["ask", "begin"])
def test_who_asks_when_all_is_over_is_told(api: ScriptedRuntimeApi, how: str) -> None:
    """At once: nobody would ever tell it otherwise."""
    host, _, port = api.address.partition(":")
    connection = BlockingConnection(host, int(port))
    connection.abort(OSError("the end"))
    waiter = Waiter()
    getattr(connection, how)(waiter, b"")

    assert [type(error) for error in waiter.told] == [RuntimeApiUnreachable]


def test_nobody_listens() -> None:
    """Five tries to connect."""
    with ScriptedRuntimeApi() as api:
        host, _, port = api.address.partition(":")
    with pytest.raises(RuntimeApiUnreachable, match="cannot be connected to"):
        BlockingSlot(host, int(port), RequestEncoder("x", "test")).next_invocation()
