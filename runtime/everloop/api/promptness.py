"""Whether a response may wait in this process for the poll that follows it."""

PROMPT = 0.0005
"""Seconds between an application's last message and its return within which it counts as prompt."""

TRUSTED_AFTER = 100
"""Prompt returns in a row after which responses wait."""

DISTRUSTED_FOR = 1_000
"""Prompt returns that it then takes to make up for one that was not."""


class Promptness:
    """Watches how soon the application returns after the last message of its responses.

    Response and next poll in one write cost the process, and Lambda's side, a fifth less than in two. But a response
    must not wait for what the application does after it. Where it awaits something the response leaves at once; where
    it blocks the loop instead, nothing can be sent meanwhile. So responses only wait in a process whose application has
    shown that it does neither, and a single exception ends that.
    """

    __slots__ = ("_streak", "trusted")

    def __init__(self) -> None:
        self._streak = 0
        self.trusted = False

    def returned(self, seconds: float) -> None:
        """Note that the application returned `seconds` after its last message."""
        if seconds > PROMPT:
            self._streak = -DISTRUSTED_FOR
            self.trusted = False
        elif not self.trusted:
            self._streak += 1
            self.trusted = self._streak >= TRUSTED_AFTER
