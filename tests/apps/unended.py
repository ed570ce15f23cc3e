"""Handlers that write text without a line's end."""

import os
import sys
import time
from pathlib import Path
from typing import Any


def write(event: Any) -> None:
    sys.stdout.write(f"out {event} ... ")
    sys.stderr.write(f"err {event} ... ")


def hangs(event: Any, context: Any) -> None:
    write(event)
    if path := os.environ.get("WRITTEN"):
        Path(path).touch()
    time.sleep(60)


def returns(event: Any, context: Any) -> str:
    write(event)
    return "done"


async def coroutine(event: Any, context: Any) -> str:
    write(event)
    return "done"


def forks(event: Any, context: Any) -> int:
    write(event)
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print("in the child", flush=True)
    os._exit(3)
