"""What start-up spends its time on, for a debug record; this module is the first of everloop's that is imported."""

from time import CLOCK_BOOTTIME, clock_gettime, monotonic

PACKAGE = monotonic()
"""When the import of everloop began."""

TICKS = 100
"""Per second, in /proc: a constant of Linux's interface to programs."""


class Timeline:
    """Notes when each phase of start-up ended: fifty nanoseconds each, and nothing else until somebody asks."""

    def __init__(self, began: float = PACKAGE) -> None:
        self._began = began
        self._marks: list[tuple[str, float]] = []

    def mark(self, phase: str) -> None:
        """Note that a phase has ended now."""
        self._marks.append((phase, monotonic()))

    def describe(self) -> str:
        """Give the phases with their milliseconds; the interpreter's are known to 10 ms."""
        interpreter = process_age() - (monotonic() - self._began)
        phases = [f"interpreter {max(interpreter, 0) * 1000:.0f}"]
        before = self._began
        for phase, at in self._marks:
            phases.append(f"{phase} {(at - before) * 1000:.1f}")
            before = at
        return f"Start-up took {(max(interpreter, 0) + before - self._began) * 1000:.0f} ms: {', '.join(phases)}"


def process_age() -> float:
    """Seconds since this process was started. `exec` does not count as a start: the shell of `bootstrap` is in it."""
    try:
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123 - pathlib costs a cold start 3 ms
            started = int(file.read().rpartition(b")")[2].split()[19]) / TICKS
    except (OSError, ValueError, IndexError):
        return 0.0
    return clock_gettime(CLOCK_BOOTTIME) - started
