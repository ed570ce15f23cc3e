"""Closing what stopped applications leave behind: one run of the collector for all of one turn."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from everloop.handlers.generators import close_generators


@pytest.fixture
def full_runs() -> Iterator[list[str]]:
    """The runs of the collector over everything, as they happen."""
    runs: list[str] = []

    def note(phase: str, info: dict[str, Any]) -> None:
        if phase == "start" and info["generation"] == 2:
            runs.append(phase)

    gc.callbacks.append(note)
    yield runs
    gc.callbacks.remove(note)


async def held(closed: list[int], number: int) -> AsyncIterator[int]:
    try:
        yield number
    finally:
        await asyncio.sleep(0)
        closed.append(number)


async def leave_in_a_ring(closed: list[int], number: int) -> None:
    generator = held(closed, number)
    await anext(generator)
    ring: list[Any] = [generator]
    ring.append(ring)


def test_many_that_stop_at_once_share_one_run(full_runs: list[str]) -> None:
    """64 streams that break together must not hold the loop up 64 times."""
    closed: list[int] = []

    async def stop(number: int) -> None:
        await leave_in_a_ring(closed, number)
        await close_generators()

    async def all_at_once() -> None:
        await asyncio.gather(*map(stop, range(64)))

    gc.disable()
    try:
        asyncio.run(all_at_once())
    finally:
        gc.enable()

    assert sorted(closed) == list(range(64))
    assert len(full_runs) == 1


def test_a_later_one_gets_a_run_of_its_own(full_runs: list[str]) -> None:
    """What is left behind after a run is found by the next."""
    closed: list[int] = []

    async def one_by_one() -> None:
        for number in range(3):
            await leave_in_a_ring(closed, number)
            await close_generators()
            assert closed == list(range(number + 1))

    for _ in range(2):  # on a new loop, too
        closed.clear()
        asyncio.run(one_by_one())

    assert len(full_runs) >= 6


def test_being_cancelled_does_not_disturb_the_others() -> None:
    """Whoever is cancelled while it waits leaves the run to those who wait with it."""

    async def two() -> None:
        first, second = (asyncio.create_task(close_generators()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await second
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(two())
