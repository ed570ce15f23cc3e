"""A slot: polls that fail, and how often."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from everloop.api.connection import Connection
from everloop.api.promptness import Habit
from everloop.api.reply import Reply
from everloop.api.slot import Slot
from everloop.errors import RuntimeApiError
from everloop.invocation import Invocation
from everloop.wire.runtime_api import RequestEncoder
from support.hostile import HostileApi, VirtualLoop, deliver


class Polling:
    """A slot beside its hostile Runtime API."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.api = HostileApi()
        self.lost: list[RuntimeApiError] = []
        self.calls: list[tuple[Invocation, Reply]] = []
        self.trusted = False
        """Answers at once, as an application does that has always returned promptly."""
        loop.run_until_complete(self.begin())
        self.settle()

    async def begin(self) -> None:
        encoder = RequestEncoder("runtime.test", "test")
        self.slot = Slot(self.api.connect, encoder, self.take, self.lost.append)
        self.slot.poll()

    def take(self, invocation: Invocation, reply: Reply) -> None:
        self.calls.append((invocation, reply))
        if self.trusted:
            reply.habit = Habit()
            reply.habit.trusted = True
            reply.complete(b"{}")

    def settle(self, seconds: float = 0) -> None:
        self.loop.pass_time(seconds)
        self.api.read()
        self.loop.turn()

    def fail(self, status: int = 500) -> None:
        [poll] = self.api.polls
        poll.respond(status, {}, b"{}")
        self.settle()

    def serve(self) -> None:
        """Have one invocation answered."""
        [poll] = self.api.polls
        deliver(poll, "request-1", b"{}", 10)
        _, reply = self.calls.pop()
        reply.complete(b"{}")
        reply.release()
        self.settle()
        poll.respond(202, {}, b"{}")
        self.settle()


@pytest.fixture
def polling() -> Iterator[Polling]:
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    yield Polling(loop)
    loop.close()
    asyncio.set_event_loop(None)


def test_five_failures_in_a_row_are_the_end(polling: Polling, caplog: pytest.LogCaptureFixture) -> None:
    """The waits between them double."""
    with caplog.at_level(logging.WARNING):
        for wait in (0.1, 0.2, 0.4, 0.8):
            polling.fail()
            polling.settle(wait - 0.01)
            assert polling.api.polls == []
            polling.settle(0.02)
        assert polling.lost == []
        polling.fail()

    assert len(polling.lost) == 1
    assert len(caplog.records) == 4
    polling.settle(60)
    assert polling.api.polls == []


def test_an_event_makes_up_for_all_failures_before_it(polling: Polling) -> None:
    """Four failures, an event, four failures: the slot goes on, and waits as briefly as at first."""
    for _ in range(3):
        for _ in range(4):
            polling.fail()
            polling.settle(2)
        polling.serve()
    polling.fail()
    polling.settle(0.11)

    assert len(polling.api.polls) == 1
    assert polling.lost == []


def test_a_forbidden_poll_is_the_end(polling: Polling) -> None:
    """Whose turn it is, is not to be settled by trying again."""
    polling.fail(403)

    assert len(polling.lost) == 1


def test_an_event_without_its_id_is_a_failed_poll(polling: Polling) -> None:
    """Nobody could be answered."""
    [poll] = polling.api.polls
    poll.respond(200, {"Lambda-Runtime-Deadline-Ms": "1"}, b"{}")
    polling.settle(0.2)

    assert polling.calls == []
    assert len(polling.api.polls) == 1


def test_a_stopped_slot_answers_and_does_not_poll(polling: Polling) -> None:
    """What is being worked on may still be answered."""
    [poll] = polling.api.polls
    deliver(poll, "request-1", b"{}", 10)
    polling.slot.stop()
    _, reply = polling.calls.pop()
    reply.complete(b"{}")
    reply.release()
    polling.settle()
    poll.respond(202, {}, b"{}")
    polling.settle(60)

    assert [post.complete for post, _ in polling.api.posts["request-1"]] == [True]
    assert polling.api.polls == []


def test_an_answer_that_waits_for_a_poll_does_not_wait_for_work_after_it(polling: Polling) -> None:
    """Trusted or not: who goes on after the answer without a poll has it sent all the same."""
    polling.trusted = True
    [poll] = polling.api.polls
    deliver(poll, "request-1", b"{}", 10)
    polling.settle()

    assert [post.complete for post, _ in polling.api.posts["request-1"]] == [True]


def test_an_answer_that_comes_in_a_later_turn_does_not_wait_for_a_poll(polling: Polling) -> None:
    """Trusted or not: the application may go on for long after it."""
    [poll] = polling.api.polls
    deliver(poll, "request-1", b"{}", 10)
    polling.settle()
    _, reply = polling.calls.pop()
    reply.habit = Habit()
    reply.habit.trusted = True

    async def answer() -> None:
        reply.complete(b"{}")

    polling.loop.run_until_complete(answer())
    polling.settle()

    assert [post.complete for post, _ in polling.api.posts["request-1"]] == [True]


def test_a_slot_that_is_closed_does_not_try_again(polling: Polling) -> None:
    """Its last poll had failed, and the next one was to come."""
    polling.fail()
    polling.loop.run_until_complete(polling.slot.close())
    polling.settle(60)

    assert polling.api.polls == []


def test_a_slot_that_is_closed_connects_no_more() -> None:
    """Who does not get through would keep the process."""
    loop = VirtualLoop()

    async def connect() -> Connection:
        return await asyncio.Future()

    async def close() -> None:
        slot = Slot(connect, RequestEncoder("runtime.test", "test"), lambda invocation, reply: None, print)
        slot.poll()
        await asyncio.sleep(0)
        await slot.close()

    loop.run_until_complete(close())
    loop.turn()

    assert asyncio.all_tasks(loop) == set()
    loop.close()
