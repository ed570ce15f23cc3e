"""How much memory a process and those that it has started have had at most."""

import time
from pathlib import Path

EVERY = 0.1
"""Seconds between two looks: a look costs as much as a small invocation."""


class MemoryGauge:
    """Remembers what it has seen of one process, also beyond its end."""

    def __init__(self) -> None:
        self._looked_at = 0.0
        self._peak: float | None = None

    def peak_mb(self, pid: int) -> float | None:
        """Give the most memory that a process and its children have had, as far as it was looked at; MB."""
        now = time.monotonic()
        if now - self._looked_at > EVERY:
            self._looked_at = now
            self._peak = peak_mb(pid) or self._peak
        return self._peak


def peak_mb(pid: int) -> float | None:
    """Give the sum of the peaks of a process tree in MB (2**20 bytes); None where /proc does not tell."""
    total = 0
    found = False
    waiting = [pid]
    while waiting:
        process = Path(f"/proc/{waiting.pop()}")
        try:
            status = (process / "status").read_bytes()
            waiting += [int(child) for child in (process / "task" / process.name / "children").read_bytes().split()]
        except OSError:  # it has ended meanwhile, or there is no /proc here
            continue
        _, _, peak = status.partition(b"VmHWM:")
        if peak:
            total += int(peak.split(None, 1)[0])
            found = True
    return total / 1024 if found else None
