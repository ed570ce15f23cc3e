"""What one of several worker processes knows of itself, and says to the process that started it."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

READY = "ready"
ENDING = "ending"


class Pipes:
    """The pipes between the workers and their parent.

    `gate`: a byte for every worker means that all have started up. `lifeline`: its end means that the parent is gone.
    `notes`: what the workers say. `wake`: a byte here makes the parent look. `claim`: a single byte, for the first who
    takes it.
    """

    def __init__(self) -> None:
        self.gate, self.gate_end = os.pipe()
        self.lifeline, self.lifeline_end = os.pipe()
        self.notes, self.notes_end = os.pipe()
        self.wake, self.wake_end = os.pipe()
        self.claim, claim_end = os.pipe()
        os.write(claim_end, b"1")
        os.close(claim_end)
        for never_waits in (self.notes, self.claim, self.wake_end):
            os.set_blocking(never_waits, False)

    def keep_worker_ends(self) -> None:
        """Close, in a worker, what belongs to the parent."""
        for end in (self.gate_end, self.lifeline_end, self.notes, self.wake):
            os.close(end)

    def open_gate(self, workers: int) -> None:
        """Let every worker poll. By bytes, not by the end of the pipe, which the end of the parent brings as well."""
        if self.gate_end != -1:
            os.write(self.gate_end, b"1" * workers)
            os.close(self.gate_end)
            self.gate_end = -1


class Worker:
    """One of several processes that share an environment's slots. `app` is what the parent imported."""

    def __init__(self, number: int, of: int, app: Any, pipes: Pipes) -> None:
        self.number = number
        """From 1."""
        self.of = of
        self.app = app
        self._pipes = pipes

    def __repr__(self) -> str:
        return f"<Worker {self.number} of {self.of}>"

    def watch_parent(self, on_orphaned: Callable[[], None]) -> None:
        """Call `on_orphaned` when the parent is gone: nobody would replace the environment."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._pipes.lifeline, self._orphaned, loop, on_orphaned)

    async def all_ready(self) -> None:
        """Say that this worker has started up and wait until all have: no event is taken before that."""
        loop = asyncio.get_running_loop()
        opened = asyncio.Event()
        loop.add_reader(self._pipes.gate, opened.set)
        self.tell(READY)
        try:
            await opened.wait()
        finally:
            loop.remove_reader(self._pipes.gate)
        if not os.read(self._pipes.gate, 1):
            await loop.create_future()  # for ever: the parent is gone, and `watch_parent()` tells that

    def _orphaned(self, loop: asyncio.AbstractEventLoop, on_orphaned: Callable[[], None]) -> None:
        loop.remove_reader(self._pipes.lifeline)
        on_orphaned()

    def tell(self, note: str) -> None:
        """Say `READY` or `ENDING` (by its own decision, with its own exit code) to the parent, if it is there."""
        try:
            os.write(self._pipes.notes_end, f"{note} {self.number}\n".encode())
            os.write(self._pipes.wake_end, b"\0")
        except (BrokenPipeError, BlockingIOError):
            pass  # gone, or about to look anyway

    def claim_failure(self) -> bool:
        """Tell whether this worker is the first that fails to start: one init error is all that Lambda takes."""
        try:
            return os.read(self._pipes.claim, 1) != b""
        except BlockingIOError:
            return False
