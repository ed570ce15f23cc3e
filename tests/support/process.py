"""The runtime as a child process: the real `bootstrap`, its log lines and its end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from support.recording import now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
APPS = ROOT / "tests" / "apps"
BOOTSTRAP = ROOT / "bootstrap"


@dataclass(frozen=True)
class LogLine:
    """One line, without its line feed. `stream` is `stdout` or `stderr`."""

    stream: str
    text: str
    at: float


def runtime_environment(task_root: Path = APPS) -> dict[str, str]:
    """What `bootstrap` needs to find the interpreter under test, everloop and the application: nothing is inherited."""
    return {
        # Not sys.executable resolved: in a virtual environment the link is what finds the packages.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "PYTHONPATH": str(ROOT / "runtime"),
        "LAMBDA_TASK_ROOT": str(task_root),
        "AWS_LAMBDA_FUNCTION_NAME": "under-test",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    }


class RuntimeProcess:
    """A child process, the head of a process group of its own, so that what it starts can be ended with it."""

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], cwd: Path, pass_fds: Sequence[int] = ()
    ) -> None:
        self.lines: list[LogLine] = []
        self._begun: dict[str, bytes] = {}
        self._changed = threading.Condition()
        self._child = subprocess.Popen(
            command,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=pass_fds,
        )
        self._readers = [
            threading.Thread(target=self._collect, args=(name, stream), daemon=True)
            for name, stream in (("stdout", self._child.stdout), ("stderr", self._child.stderr))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def log(self) -> str:
        """Everything that the process has written, both streams in order of arrival."""
        with self._changed:
            return "\n".join(line.text for line in self.lines)

    def running(self) -> bool:
        return self._child.poll() is None

    def wait_for_log(self, pattern: str, timeout: float = 5.0) -> LogLine:
        """Wait for a line in which the pattern is found."""
        return self.wait_for_logs(pattern, 1, timeout)[0]

    def wait_for_logs(self, pattern: str, count: int, timeout: float = 5.0) -> list[LogLine]:
        """Wait for so many lines in which the pattern is found."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.logged(pattern)) >= count, timeout):
                raise TimeoutError(f"no {count} line(s) with {pattern!r} within {timeout} s. Log:\n{self.log}")
        return self.logged(pattern)

    def wait_for_begun(self, stream: str, text: str, timeout: float = 5.0) -> None:
        """Wait until the last line of `stdout` or `stderr`, which has no end yet, ends in the text."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._begun.get(stream, b"").endswith(text.encode()), timeout):
                raise TimeoutError(f"no {text!r} on {stream} within {timeout} s but {self._begun}. Log:\n{self.log}")

    def logged(self, pattern: str) -> list[LogLine]:
        """The lines so far in which the pattern is found."""
        with self._changed:
            return [line for line in self.lines if re.search(pattern, line.text)]

    def signal(self, number: int) -> None:
        if self.running():
            self._child.send_signal(number)

    def exit_code(self, timeout: float = 5.0) -> int:
        """Wait for the end of the process, and of its output."""
        try:
            code = self._child.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"the process has not ended within {timeout} s. Log:\n{self.log}") from error
        for reader in self._readers:
            reader.join(timeout)
        return code

    def memory(self, field: str = "VmRSS") -> int:
        """Bytes of memory: `VmRSS` now, `VmHWM` at most so far."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        found = re.search(rf"^{field}:\s+(\d+) kB$", status, re.MULTILINE)
        assert found, status
        return int(found[1]) * 1024

    def cpu_seconds(self) -> float:
        """Processor time that the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """End the process now, whatever it does, and what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait(10)
        for reader in self._readers:
            reader.join(10)
        for stream in (self._child.stdout, self._child.stderr):
            if stream is not None:
                stream.close()

    def _collect(self, name: str, stream: IO[bytes] | None) -> None:
        assert stream is not None
        rest = b""
        while data := os.read(stream.fileno(), 1 << 16):
            *lines, rest = (rest + data).split(b"\n")
            self._add(name, lines, rest)
        if rest:
            self._add(name, [rest], b"")

    def _add(self, name: str, lines: list[bytes], rest: bytes) -> None:
        with self._changed:
            self.lines += [LogLine(name, line.decode(errors="replace"), now()) for line in lines]
            self._begun[name] = rest
            self._changed.notify_all()
