"""A file in large pieces, read by a thread while the piece before is being sent."""

import asyncio
import os
from collections.abc import AsyncGenerator

PIECE = 1024 * 1024
"""Bytes of one piece. Two are in memory: the one that is sent, and the one that is read meanwhile."""


class OpenFile:
    """A file that is closed when nobody holds it any more.

    Whoever stops in the middle does so while a thread may be reading. To close the file then would give its number to
    the next file that is opened, and the thread would read that one: so the last of the two closes it.
    """

    __slots__ = ("_number",)

    def __init__(self, path: str) -> None:
        """Open the file. Raises `OSError`."""
        self._number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        if hasattr(self, "_number"):
            os.close(self._number)

    def read(self) -> bytes:
        """Give the next piece: a short one is the last. Raises `OSError`."""
        piece = os.read(self._number, PIECE)
        while piece and len(piece) < PIECE:
            more = os.read(self._number, PIECE - len(piece))
            if not more:
                break
            piece += more
        return piece


async def read_ahead(path: str) -> AsyncGenerator[tuple[bytes, bool]]:
    """Give the pieces of a file, and with each whether more come. Raises `OSError`.

    The loop goes on meanwhile, also where the disk is a network's (EFS).
    """
    loop = asyncio.get_running_loop()
    file = await loop.run_in_executor(None, OpenFile, path)
    coming = loop.run_in_executor(None, file.read)
    try:
        more = True
        while more:
            piece = await coming
            more = len(piece) == PIECE
            if more:
                coming = loop.run_in_executor(None, file.read)
            yield piece, more
    finally:
        coming.cancel()
