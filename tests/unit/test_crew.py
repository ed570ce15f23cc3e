"""The tasks that work on invocations: they leave when they are done, and their slots go on."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from everloop.api.reply import Reply, ReplyState
from everloop.crew import Crew
from everloop.invocation import Invocation
from support.answering import Answering
from support.hostile import VirtualLoop


@pytest.fixture
def rig() -> Iterator[Answering]:
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    yield Answering(loop)
    loop.close()
    asyncio.set_event_loop(None)


def crew_of(rig: Answering, handle: Any) -> Crew:
    """A crew for a handler that is one function; it has accepted the invocation."""

    class Handler:
        """What the crew asks of a handler."""

        def handle(self, invocation: Invocation, reply: Reply) -> Any:
            return handle(reply)

    async def accept() -> Crew:
        crew = Crew(Handler(), None, lambda code: None)
        crew.accept(rig.invocation, rig.reply)
        return crew

    return rig.loop.run_until_complete(accept())


def test_who_is_done_is_not_counted_among_those_who_wait(rig: Answering, caplog: pytest.LogCaptureFixture) -> None:
    """Nor kept in memory, nor waited for at the end."""

    async def handle(reply: Reply) -> None:
        await asyncio.sleep(1)
        reply.complete(b"1")

    crew = crew_of(rig, handle)
    assert crew.waiting() == 1
    rig.loop.run_until_complete(asyncio.sleep(2))

    assert (crew.waiting(), rig.released) == (0, 1)
    rig.loop.run_until_complete(crew.finish(1))
    assert caplog.messages == []


def test_a_mistake_of_everloop_s_own_is_reported_and_costs_one_invocation(rig: Answering) -> None:
    """The slot polls again."""

    async def handle(reply: Reply) -> None:
        raise LookupError("a mistake")

    crew_of(rig, handle)
    rig.turn()

    assert (rig.post().kind, rig.reply.state, rig.released) == ("error", ReplyState.FAILED, 1)


def test_a_task_that_cancels_itself_before_it_has_answered_has_failed(rig: Answering) -> None:
    """Else the client would wait for ever, and the slot with it."""

    async def handle(reply: Reply) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)

    crew_of(rig, handle)
    rig.turn()

    assert (rig.post().kind, rig.reply.state, rig.released) == ("error", ReplyState.FAILED, 1)


def test_who_is_cancelled_at_the_end_of_the_process_just_ends(rig: Answering, caplog: pytest.LogCaptureFixture) -> None:
    """No application is blamed for it, and no slot polls again."""

    async def handle(reply: Reply) -> None:
        reply.complete(b"1")
        await asyncio.Event().wait()

    crew = crew_of(rig, handle)
    rig.loop.run_until_complete(crew.finish(1))

    assert (crew.waiting(), rig.released, caplog.messages) == (0, 0, [])
