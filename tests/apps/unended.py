"""Handlers that write text without a line's end."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from everloop import unwritten

if "SELDOM" in os.environ:
    unwritten.DELAY = 600  # the thread never comes to it


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


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    environ["wsgi.errors"].write("part")
    start_response("200 OK", [])
    time.sleep(60)
    return []


if "AT_IMPORT" in os.environ:
    write("import")
    time.sleep(60)
