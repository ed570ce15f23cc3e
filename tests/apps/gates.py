"""How a test holds an application back: it waits until the test has made a file."""

import asyncio
import os
from pathlib import Path


async def gate(name: str) -> None:
    """Wait until the test opens the gate, a file in the folder that `GATES` names; the loop turns at least once."""
    file = Path(os.environ["GATES"], name)
    await asyncio.sleep(0.002)
    while not file.exists():  # noqa: ASYNC110, ASYNC240, the other side is another process
        await asyncio.sleep(0.002)
