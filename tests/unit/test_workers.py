"""How slots are divided among processes, and how these ended."""

import signal

from hypothesis import given
from hypothesis import strategies as st

from everloop.settings import Settings
from everloop.workers import count, how_it_died, shares


@given(st.integers(1, 200), st.integers(1, 200))
def test_shares_are_even_and_add_up(slots: int, workers: int) -> None:
    """No slot is lost, no worker has two more than another."""
    divided = shares(slots, workers)
    assert len(divided) == workers
    assert sum(divided) == slots
    assert max(divided) - min(divided) <= 1


def test_auto_is_at_most_one_per_slot() -> None:
    """Outside of Managed Instances there is one slot, and so one process."""
    assert count(Settings(runtime_api="", handler="", workers=None)) == 1
    assert count(Settings(runtime_api="", handler="", workers=None, max_concurrency=1)) == 1
    assert count(Settings(runtime_api="", handler="", workers=3, max_concurrency=64)) == 3


def test_how_a_worker_died_is_said_in_words() -> None:
    """Also of one that ended itself and said that all was well; with the usual cause where there is one."""
    assert how_it_died(0) == "exit code 0"
    assert how_it_died(3) == "exit code 3"
    assert how_it_died(-signal.SIGTERM) == "SIGTERM"
    assert how_it_died(-signal.SIGKILL) == "SIGKILL: too little memory is the usual cause"
