"""Work that goes on after the response: what becomes of it is told."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from everloop.background import settle, wait_until
from everloop.invocation import Invocation, current
from support.answering import HEADERS
from support.hostile import VirtualLoop


def test_work_that_has_failed_already_is_told_at_once(loop: VirtualLoop, caplog: pytest.LogCaptureFixture) -> None:
    """The environment may be frozen in the loop's next turn."""

    async def give() -> None:
        current.set(Invocation(HEADERS, b"{}"))
        failed: asyncio.Future[None] = loop.create_future()
        failed.set_exception(LookupError("nowhere"))
        wait_until(failed)
        assert caplog.messages == ["Work given to wait_until() failed"]

    loop.run_until_complete(give())


@pytest.mark.parametrize(("seconds", "allowed", "told"), [(5, 10, []), (0.3, 0.5, []), (30, 10, ["left running"])])
def test_work_that_is_not_done_at_the_deadline_is_told_of(
    loop: VirtualLoop, caplog: pytest.LogCaptureFixture, seconds: float, allowed: float, told: list[str]
) -> None:
    """And waited for no longer."""
    invocation = Invocation(HEADERS, b"{}")

    async def serve(work: Coroutine[Any, Any, None]) -> None:
        current.set(invocation)
        wait_until(work)
        await settle(invocation, loop.time() + allowed)

    loop.run_until_complete(serve(asyncio.sleep(seconds)))

    assert loop.time() == pytest.approx(min(seconds, allowed), abs=0.1)
    assert ["left running" for message in caplog.messages if "not done at the deadline" in message] == told
    loop.pass_time(seconds)
