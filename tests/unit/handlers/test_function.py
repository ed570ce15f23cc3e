"""Plain handlers on the loop: what becomes of what they return and yield, and of those who nobody waits for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from everloop.handlers.front import Front
from everloop.handlers.function import AsyncFunction
from support.answering import Answering

Answers = Callable[[object], Answering]


def started(rig: Answering, function: Any) -> asyncio.Task[None]:
    """Hand the invocation to a function and let it come as far as it does."""
    handler = AsyncFunction(function, Front(streaming=True), streaming=True, deadline_margin=0.25)
    task = rig.loop.create_task(handler.handle(rig.invocation, rig.reply))
    rig.turn()
    return task


def test_a_result_may_wait_for_the_next_poll(answering: Answers) -> None:
    """Nothing comes between the two: they are one write."""
    rig = answering({})
    rig.connection.corked = True

    async def handler(event: Any, context: Any) -> Any:
        return "done"

    assert started(rig, handler).done()
    assert not rig.posted()
    rig.connection.flush()
    assert rig.post().content == b'"done"'


def test_a_generator_that_waits_is_closed_when_its_stream_breaks(answering: Answers) -> None:
    """Not only at its next piece, which may never come."""
    rig = answering({})
    closed: list[bool] = []

    async def handler(event: Any, context: Any) -> AsyncIterator[str]:
        try:
            yield "a"
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    task = started(rig, handler)
    assert not task.done()
    rig.wire.drop(None)
    rig.turn()

    assert (closed, task.done(), task.exception()) == ([True], True, None)


def test_the_loop_turns_between_the_pieces_of_a_generator_that_cannot_wait(answering: Answers) -> None:
    """Each may take long."""
    rig = answering({})
    turns = 0
    seen: list[int] = []

    def pieces() -> Iterator[str]:
        for piece in "abc":
            seen.append(turns)
            yield piece

    async def handler(event: Any, context: Any) -> Iterator[str]:
        return pieces()

    async def turning() -> None:
        nonlocal turns
        while len(seen) < 3:
            turns += 1
            await asyncio.sleep(0)

    other = rig.loop.create_task(turning())
    assert started(rig, handler).done()
    assert other.done()
    assert seen[0] < seen[1] < seen[2]


def test_a_deadline_is_that_of_what_still_runs(answering: Answers, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is said of a handler that returned in time."""
    rig = answering({})
    rig.invocation.deadline = time.time() + 10

    async def handler(event: Any, context: Any) -> Any:
        return "done"

    assert started(rig, handler).done()
    rig.loop.run_until_complete(asyncio.sleep(20))

    assert caplog.messages == []
