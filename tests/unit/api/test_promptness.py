"""Responses wait for the poll only where the application has shown that nothing comes in between."""

import pytest

from everloop.api.promptness import DISTRUSTED_PER_SECOND, KNOWN, PROMPT, TRUSTED_AFTER, Habit, Habits


def returned(habit: Habit, seconds: float, times: int) -> None:
    for _ in range(times):
        habit.returned(seconds)


def test_nobody_is_trusted_from_the_start() -> None:
    """The first responses of a process never wait."""
    habit = Habit()
    returned(habit, 0, TRUSTED_AFTER - 1)

    assert not habit.trusted


def test_prompt_returns_in_a_row_earn_trust() -> None:
    """An application that returns at once has its responses joined with the next poll."""
    habit = Habit()
    returned(habit, PROMPT, TRUSTED_AFTER)

    assert habit.trusted


@pytest.mark.parametrize("seconds", [PROMPT * 2, 0.01, 0.25])
def test_one_late_return_ends_trust_for_long(seconds: float) -> None:
    """Work after the response that blocks the loop delays one response of many: the more, the longer it blocks."""
    habit = Habit()
    returned(habit, 0, TRUSTED_AFTER)
    returned(habit, seconds, 1)

    assert not habit.trusted
    returned(habit, 0, int(seconds * DISTRUSTED_PER_SECOND) + TRUSTED_AFTER - 1)
    assert not habit.trusted
    returned(habit, 0, 1)
    assert habit.trusted


def test_a_late_return_before_trust_counts_as_well() -> None:
    """The row begins anew, and far back."""
    habit = Habit()
    returned(habit, PROMPT * 2, 1)
    returned(habit, 0, TRUSTED_AFTER)

    assert not habit.trusted


def test_every_kind_of_request_has_a_habit_of_its_own() -> None:
    """That one path is answered promptly says nothing of another."""
    habits = Habits()
    habit = habits.of(("GET", "/"))
    assert habit is not None
    returned(habit, 0, TRUSTED_AFTER)

    again, other = habits.of(("GET", "/")), habits.of(("POST", "/"))
    assert again is habit
    assert other is not None
    assert not other.trusted


def test_memory_does_not_grow_with_the_paths_that_are_asked_for() -> None:
    """What comes after the first few hundred kinds has no habit and never waits."""
    habits = Habits()
    for number in range(KNOWN):
        assert habits.of(number) is not None

    assert habits.of(KNOWN) is None
    assert habits.of(0) is not None
