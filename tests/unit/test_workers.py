"""How slots are divided among processes."""

from hypothesis import given
from hypothesis import strategies as st

from everloop.settings import Settings
from everloop.workers import count, shares


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
