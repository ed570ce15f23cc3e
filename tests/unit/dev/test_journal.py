"""What the journal keeps, and what it forgets."""

from everloop.dev.journal import KEPT_EVENTS, Journal, Record


def opened(journal: Journal, size: int) -> Record:
    return journal.open("id", source="function-url", label="", event=bytes(size))


def test_the_latest_are_kept() -> None:
    """So many, and no more."""
    journal = Journal(kept=2)
    for size in (1, 2, 3):
        opened(journal, size)

    assert [len(record.event) for record in journal] == [2, 3]
    assert journal.find(1) is None


def test_events_are_kept_up_to_a_size_of_all_together() -> None:
    """A few uploads do not fill the laptop's memory, whatever their number; the newest is always there."""
    journal = Journal()
    half = KEPT_EVENTS // 2
    for size in (1, half, half):
        opened(journal, size)
    assert [record.number for record in journal] == [2, 3]

    opened(journal, KEPT_EVENTS + 1)
    assert [record.number for record in journal] == [4]

    opened(journal, 1)
    assert [record.number for record in journal] == [5]
    opened(journal, 1)
    assert [record.number for record in journal] == [5, 6]
