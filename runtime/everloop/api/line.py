"""What a reply needs of its connection, whichever way that one moves its bytes."""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from everloop.wire.http1 import ApiAnswer


class Expectation(Protocol):
    """Somebody who waits for the answer to a request, or for the end of the connection."""

    def answered(self, answer: ApiAnswer) -> None:
        """Take the answer."""

    def lost(self, error: Exception) -> None:
        """Learn that no answer will come."""


def tell_lost(expected: deque[Expectation], listener: Expectation | None, error: Exception) -> None:
    """Tell everybody who waits on a connection that has ended, and the listener, once each."""
    waiting = [*expected]
    if listener is not None and listener not in waiting:
        waiting.append(listener)
    expected.clear()
    for one in waiting:
        one.lost(error)


class Line(Protocol):
    """A connection to the Runtime API, as one invocation's reply uses it."""

    listener: Expectation | None
    """Told of the end of the connection although it has asked for nothing yet."""

    paused: bool
    """True while the Runtime API does not read: await `drain()` before the next write."""

    def ask(self, expectation: Expectation, request: bytes, may_wait: bool = False) -> None:
        """Write a whole request and expect its answer."""

    def begin(self, expectation: Expectation, pieces: Sequence[bytes]) -> None:
        """Write a request, or the beginning of one, without copying its pieces, and expect its answer."""

    def write(self, pieces: Sequence[bytes]) -> None:
        """Write more of the request that was begun last."""

    def write_through(self, enabled: bool) -> None:
        """Let every write reach the socket at once."""

    async def drain(self) -> None:
        """Wait until the Runtime API reads again, or the connection ends."""

    def abort(self, error: Exception) -> None:
        """End the connection now."""
