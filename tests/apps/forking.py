"""Handlers that fork processes of their own."""

import asyncio
import atexit
import multiprocessing
import os
import signal
import sys
import time
from typing import Any

import everloop
from messages import body, no_lifespan, start

fork = multiprocessing.get_context("fork")
atexit.register(lambda: print(f"exit functions of {os.getpid()}", flush=True))


def hang(ready: int = -1) -> None:
    if ready != -1:
        os.write(ready, b"1")
    time.sleep(60)


def terminated(event: Any, context: Any) -> int | None:
    """Give the exit code of a child that was asked to end."""
    if event["signal"] == signal.SIGTERM:
        child = fork.Process(target=hang)
        child.start()  # and not a moment more: the signal is not lost
    else:
        reading, writing = os.pipe()
        child = fork.Process(target=hang, args=(writing,))
        child.start()
        os.read(reading, 1)
    os.kill(child.pid or 0, event["signal"])
    child.join()
    return child.exitcode


def own_signal_handler(event: Any, context: Any) -> int:
    """Give the exit code of a child that has inherited a signal handler of the application's."""
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(9))
    child = os.fork()
    if child == 0:
        hang()
    signal.signal(signal.SIGTERM, before)
    os.kill(child, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def leaves_a_daemon(event: Any, context: Any) -> str:
    fork.Process(target=hang, daemon=True).start()
    return "left"


def exit_code_of(how: str) -> int:
    """Fork a child that ends as told, and give its exit code."""
    child = os.fork()
    if child == 0:
        if how == "raise":
            raise LookupError("in the child")
        sys.exit(3)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def sync(event: Any, context: Any) -> int:
    return exit_code_of(event["how"])


async def coroutine(event: Any, context: Any) -> int:
    await asyncio.sleep(0)
    return exit_code_of(event["how"])


def background(event: Any, context: Any) -> str:
    async def later() -> None:
        print("ended with", exit_code_of(event["how"]), flush=True)

    everloop.wait_until(later())
    return "later"


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    code = exit_code_of(scope["query_string"].decode())
    await send(start())
    await send(body(str(code).encode()))


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    code = exit_code_of(environ["QUERY_STRING"])
    start_response("200 OK", [])
    return [str(code).encode()]


if how := os.environ.get("FORK_AT_IMPORT"):
    print("ended with", exit_code_of(how), flush=True)
