"""Responses wait for the poll only where the application has shown that nothing comes in between."""

from everloop.api.promptness import DISTRUSTED_FOR, PROMPT, TRUSTED_AFTER, Promptness


def returned(promptness: Promptness, seconds: float, times: int) -> None:
    for _ in range(times):
        promptness.returned(seconds)


def test_nobody_is_trusted_from_the_start() -> None:
    """The first responses of a process never wait."""
    promptness = Promptness()
    returned(promptness, 0, TRUSTED_AFTER - 1)

    assert not promptness.trusted


def test_prompt_returns_in_a_row_earn_trust() -> None:
    """An application that returns at once has its responses joined with the next poll."""
    promptness = Promptness()
    returned(promptness, PROMPT, TRUSTED_AFTER)

    assert promptness.trusted


def test_one_late_return_ends_trust_for_long() -> None:
    """Work after the response that blocks the loop delays one response, not one in a hundred."""
    promptness = Promptness()
    returned(promptness, 0, TRUSTED_AFTER)
    returned(promptness, PROMPT * 2, 1)

    assert not promptness.trusted
    returned(promptness, 0, DISTRUSTED_FOR + TRUSTED_AFTER - 1)
    assert not promptness.trusted
    returned(promptness, 0, 1)
    assert promptness.trusted


def test_a_late_return_before_trust_counts_as_well() -> None:
    """The row begins anew, and far back."""
    promptness = Promptness()
    returned(promptness, PROMPT * 2, 1)
    returned(promptness, 0, TRUSTED_AFTER)

    assert not promptness.trusted
