"""A child process, the head of its own process group, and the lines that it writes."""

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

LONGEST_LINE = 256 * 1024
"""Bytes after which a line is cut, as Lambda cuts its log events."""
LAST_LINES = 0.5
"""Seconds that the output may take to end after the process has."""


class ChildProcess:
    """Starts a process and tells of its lines and of its end. Made on the loop that is told.

    Not asyncio's own: what it needs of a loop to watch children differs between loops, threads and versions. The
    process stays in this session, in a group of its own: then a stopped (frozen) child whose emulator has died is
    woken up and hung up by the kernel, and nothing is left behind.
    """

    def __init__(self, on_line: Callable[[str, str], None], on_exit: Callable[[int], None]) -> None:
        self._on_line = on_line
        self._on_exit = on_exit
        self._child: subprocess.Popen[bytes] | None = None
        self._pipes: list[_Lines] = []
        self._over = False
        self._frozen = False
        self._end: asyncio.Task[None] | None = None

    async def start(self, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        """Start it. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        self._child = child = subprocess.Popen(  # noqa: S603, ASYNC220 - the user's own program; the loop waits 2 ms
            command,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        self._pipes = [
            await self._listen(loop, name, pipe) for name, pipe in (("stdout", child.stdout), ("stderr", child.stderr))
        ]
        threading.Thread(target=self._wait, args=(loop, child), name="everloop waits for a child", daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id, which is its group's, too; 0 before it has started."""
        return 0 if self._child is None else self._child.pid

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; nothing happens where nobody of it lives."""
        if self._child is not None and not self._over:
            # PermissionError: macOS, where only a zombie is left.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, number)

    def freeze(self) -> None:
        """Let the whole group stand still."""
        if not self._frozen:
            self._frozen = True
            self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on, where it stands still."""
        if self._frozen:
            self._frozen = False
            self.signal(signal.SIGCONT)

    async def _listen(self, loop: asyncio.AbstractEventLoop, name: str, pipe: IO[bytes] | None) -> "_Lines":
        _, lines = await loop.connect_read_pipe(lambda: _Lines(lambda line: self._on_line(name, line)), pipe)
        return lines

    def _wait(self, loop: asyncio.AbstractEventLoop, child: "subprocess.Popen[bytes]") -> None:
        code = child.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know
            loop.call_soon_threadsafe(self._ended, code)

    def _ended(self, code: int) -> None:
        self.signal(signal.SIGKILL)  # what it has started ends with it
        self._over = True
        self._end = asyncio.get_running_loop().create_task(self._tell_end(code))

    async def _tell_end(self, code: int) -> None:
        await asyncio.wait([pipe.ended for pipe in self._pipes], timeout=LAST_LINES)
        for pipe in self._pipes:
            pipe.close()
        self._on_exit(code)


class _Lines(asyncio.Protocol):
    """Cuts what comes out of a pipe into lines."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""
        self._transport: asyncio.BaseTransport | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._on_line(line.decode("utf-8", "replace"))
        while len(self._rest) >= LONGEST_LINE:
            self._on_line(self._rest[:LONGEST_LINE].decode("utf-8", "replace"))
            self._rest = self._rest[LONGEST_LINE:]

    def connection_lost(self, exc: Exception | None) -> None:
        if self._rest:
            self._on_line(self._rest.decode("utf-8", "replace"))
            self._rest = b""
        if not self.ended.done():
            self.ended.set_result(None)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def describe_exit(code: int) -> str:
    """Say how a process has ended, as Lambda does."""
    if code == 0:
        return "Runtime exited without providing a reason"
    how = f"exit status {code}" if code > 0 else f"signal: {signal.strsignal(-code) or -code}".lower()
    return f"Runtime exited with error: {how}"
