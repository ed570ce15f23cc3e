"""The connection to the Runtime API: who waits for it, and how its end is noticed."""

import pytest

from everloop.api.connection import Connection
from everloop.errors import RuntimeApiUnreachable
from everloop.wire.http1 import ApiAnswer
from support.hostile import HostileApi, VirtualLoop, Wire


class Waiter:
    """Expects an answer and keeps what came of it."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def answered(self, answer: ApiAnswer) -> None:
        self.told.append(answer.status)

    def lost(self, error: Exception) -> None:
        self.told.append(type(error))


@pytest.fixture
def connection(loop: VirtualLoop) -> tuple[Connection, Wire]:
    api = HostileApi()
    connection = loop.run_until_complete(api.connect())
    return connection, api.wires[0]


POLL = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"


def test_half_closed_is_closed(loop: VirtualLoop, connection: tuple[Connection, Wire]) -> None:
    """Who sends no more answers has no use for what is still to be written: the end is told at once."""
    protocol, wire = connection
    waiter = Waiter()
    protocol.ask(waiter, POLL)
    wire.pause(True)
    waiting = loop.create_task(protocol.drain())
    loop.turn()
    assert not waiting.done()

    wire.half_close()
    loop.turn()

    assert waiter.told == [ConnectionResetError]
    assert waiting.done()
    assert wire.gone


def test_everybody_who_waits_is_woken(loop: VirtualLoop, connection: tuple[Connection, Wire]) -> None:
    """Several tasks may send for one response; one of them being cancelled disturbs none of the others."""
    protocol, wire = connection
    wire.pause(True)
    waiting = [loop.create_task(protocol.drain()) for _ in range(3)]
    loop.turn()
    waiting[1].cancel()
    wire.pause(False)
    loop.turn()

    assert [task.cancelled() for task in waiting] == [False, True, False]
    assert all(task.done() for task in waiting)
    wire.drop(None)
    loop.turn()


def test_waiting_again_where_it_paused_again(loop: VirtualLoop, connection: tuple[Connection, Wire]) -> None:
    """Resumed and paused within one turn is paused."""
    protocol, wire = connection
    wire.pause(True)
    waiting = loop.create_task(protocol.drain())
    loop.turn()
    wire.pause(False)
    wire.pause(True)
    loop.turn()
    assert not waiting.done()

    wire.drop(None)
    loop.turn()
    assert waiting.done()


ANSWER = b"POST /2018-06-01/runtime/invocation/request-1/response HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


def test_what_may_wait_leaves_when_the_loop_turns(loop: VirtualLoop, connection: tuple[Connection, Wire]) -> None:
    """At the latest: no poll may ever follow."""
    protocol, wire = connection

    async def ask() -> None:
        protocol.ask(Waiter(), ANSWER, may_wait=True)
        assert not wire._unread

    loop.run_until_complete(ask())
    loop.turn()
    wire.read()

    assert wire.post is not None
    assert wire.post.complete


def test_what_may_wait_leaves_before_what_comes_later(loop: VirtualLoop, connection: tuple[Connection, Wire]) -> None:
    """In one write with it, and in front of it."""
    protocol, wire = connection
    protocol.corked = True
    protocol.ask(Waiter(), ANSWER, may_wait=True)
    protocol.ask(Waiter(), POLL)

    assert bytes(wire._unread) == ANSWER + POLL


def test_what_may_wait_leaves_before_what_is_begun(loop: VirtualLoop, connection: tuple[Connection, Wire]) -> None:
    """Requests arrive in the order in which they were made, or answers would go to others."""
    protocol, wire = connection
    protocol.corked = True
    protocol.ask(Waiter(), ANSWER, may_wait=True)
    protocol.begin(Waiter(), [POLL])

    assert bytes(wire._unread) == ANSWER + POLL


def test_an_answer_that_nobody_asked_for_ends_the_connection(
    loop: VirtualLoop, connection: tuple[Connection, Wire]
) -> None:
    """Who knows whose the next one is?"""
    protocol, wire = connection
    waiter = Waiter()
    protocol.listener = waiter
    protocol.data_received(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
    loop.turn()

    assert waiter.told == [RuntimeApiUnreachable]
    assert wire.gone


def test_no_event_waits_where_all_is_over(loop: VirtualLoop, connection: tuple[Connection, Wire]) -> None:
    """Else a thread that asks would take a lost connection for a loop that is blocked."""
    protocol, wire = connection
    wire.drop(None)
    loop.turn()

    assert not protocol.unread_event


@pytest.mark.parametrize("how", ["ask", "begin"])
def test_who_asks_when_all_is_over_is_told(loop: VirtualLoop, connection: tuple[Connection, Wire], how: str) -> None:
    """At once: nobody would ever tell it otherwise."""
    protocol, wire = connection
    wire.drop(None)
    loop.turn()
    waiter = Waiter()
    getattr(protocol, how)(waiter, POLL)

    assert waiter.told == [RuntimeApiUnreachable]


@pytest.mark.parametrize("how", ["flush", "close"])
def test_what_waits_is_let_go(loop: VirtualLoop, connection: tuple[Connection, Wire], how: str) -> None:
    """By whoever corked the connection, and at its end."""
    protocol, wire = connection
    protocol.corked = True
    protocol.ask(Waiter(), ANSWER, may_wait=True)
    loop.turn()
    assert not wire._unread

    getattr(protocol, how)()
    wire.read()

    assert wire.post is not None
    assert wire.post.complete
