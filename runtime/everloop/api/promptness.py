"""Whether a response may wait in this process for the poll that follows it."""

from collections.abc import Hashable

PROMPT = 0.0005
"""Seconds between an application's last message and its return within which it counts as prompt."""

TRUSTED_AFTER = 100
"""Prompt returns in a row after which responses wait."""

DISTRUSTED_PER_SECOND = 100_000
"""Prompt returns that it takes to make up for each second of one that was not: on average waiting delays a response by
10 µs at most, and a processor that was busy elsewhere for a moment is soon forgiven."""

KNOWN = 256
"""Kinds of requests whose habits are kept."""


class Habit:
    """How soon the application returns after its last message, for one kind of request."""

    __slots__ = ("_streak", "trusted")

    def __init__(self) -> None:
        self._streak = 0
        self.trusted = False
        """True when a response may wait."""

    def returned(self, seconds: float) -> None:
        """Note that the application returned `seconds` after its last message."""
        if seconds > PROMPT:
            self._streak = -int(seconds * DISTRUSTED_PER_SECOND)
            self.trusted = False
        elif not self.trusted:
            self._streak += 1
            self.trusted = self._streak >= TRUSTED_AFTER


class Habits:
    """The habits of an application, request by request.

    Response and next poll in one write cost the process, and Lambda's side, a tenth less than in two. But a response
    must not wait for what the application does after it. Where it awaits something the response leaves at once; where
    it blocks the loop instead, nothing can be sent meanwhile. So a response waits only for a method and path that have
    been answered often, and never with anything of that kind after them; a single exception ends it.
    """

    def __init__(self) -> None:
        self._habits: dict[Hashable, Habit] = {}

    def of(self, kind: Hashable) -> Habit | None:
        """Give the habit for one kind of request; None, and so no waiting, once too many are known."""
        habit = self._habits.get(kind)
        if habit is None and len(self._habits) < KNOWN:
            habit = self._habits[kind] = Habit()
        return habit
