"""How much memory a process and those that it has started have had at most."""

from pathlib import Path


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
