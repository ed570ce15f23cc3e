"""A command as from a terminal of its own: what it prints, Ctrl-C, its end."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Run:
    """A run in a session of its own, as from a terminal of its own: a signal reaches all of it."""

    def __init__(self, command: list[str], ready: str) -> None:
        """`ready` is how the line begins after which it waits for what is asked of it."""
        self.output = ""
        self._ready = ready
        self._child = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )

    def wait_until_ready(self) -> str:
        """Read what it prints until it waits for further events."""
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self.output += line
            if line.startswith(self._ready):
                return self.output
        pytest.fail(f"it ended by itself:\n{self.output}")

    def interrupt(self) -> None:
        """Press Ctrl-C: a terminal sends SIGINT to all processes in its foreground."""
        os.killpg(self._child.pid, signal.SIGINT)

    def terminate(self) -> None:
        """Send SIGTERM to the one process that was started."""
        self._child.terminate()

    def exit_code(self) -> int:
        """Wait for its end, and for that of everything that could still print."""
        rest, _ = self._child.communicate(timeout=20)
        self.output += rest
        return self._child.returncode

    def children(self) -> list[int]:
        """Give the ids of the processes that it started itself."""
        listed = Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children").read_text(encoding="ascii")
        return [int(process) for process in listed.split()]

    def close(self) -> None:
        """End it, whatever has become of it."""
        if self._child.poll() is None:
            self._child.terminate()
            self._child.communicate(timeout=20)
