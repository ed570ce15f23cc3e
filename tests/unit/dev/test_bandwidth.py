"""The limit of a streamed response's speed, with a clock that the test turns."""

import pytest

from everloop.dev.bandwidth import BURST, RATE, TokenBucket


def test_a_burst_then_a_steady_rate() -> None:
    """6 MB leave at once; what follows waits for its turn; a pause is saved up, but never more than a burst."""
    now = [0.0]
    bucket = TokenBucket(lambda: now[0])
    assert bucket.take(BURST) == 0
    assert bucket.take(RATE) == pytest.approx(1.0)
    now[0] += 1.0
    assert bucket.take(RATE // 2) == pytest.approx(0.5)
    now[0] += 3600.0
    assert bucket.take(BURST) == 0
    assert bucket.take(1) > 0
