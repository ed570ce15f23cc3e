"""A synchronous handler that the test holds back."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import everloop


def handler(event: Any, context: Any) -> str:
    mark("entered")
    while not Path(os.environ["GATES"], "go").exists():
        time.sleep(0.002)
    return "done"


def mark(name: str) -> None:
    Path(os.environ["GATES"], name).touch()


async def _later() -> None:
    await asyncio.sleep(0.05)
    mark("later")


def background(event: Any, context: Any) -> str:
    everloop.wait_until(_later())
    return "done"
