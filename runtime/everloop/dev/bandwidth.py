"""How fast Lambda lets a streamed response out: 6 MB at once, then 2 MB in a second."""

import time
from collections.abc import Callable

BURST = 6 * 1024 * 1024
"""Bytes that leave at full speed."""
RATE = 2 * 1024 * 1024
"""Bytes in a second after that."""


class TokenBucket:
    """Says how long a piece has to wait. `clock` gives seconds, counted from anywhere."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens = float(BURST)
        self._at = clock()

    def take(self, size: int) -> float:
        """Take a piece's bytes; give the seconds until it may leave."""
        now = self._clock()
        self._tokens = min(float(BURST), self._tokens + (now - self._at) * RATE) - size
        self._at = now
        return max(0.0, -self._tokens / RATE)
