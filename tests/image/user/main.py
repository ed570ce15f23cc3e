"""A user's application, as the tests build it on top of the image: it tells what it was started with."""

import asyncio
import contextvars
import json
import logging
import os
import signal
import sys
from typing import Any
from urllib.parse import parse_qs

mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="")


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Tell the log when the lifespan starts and ends; answer requests.

    `/` is answered with what surrounds the process, `/large?bytes=N` with so many bytes;
    `/sleep?seconds=S&mark=M` tells, S seconds later, which mark it sees; `/log?bytes=N` logs and prints so many;
    `/die` ends the process that serves it.
    """
    if scope["type"] == "lifespan":
        for moment in ("startup", "shutdown"):
            await receive()
            print(f"lifespan {moment}", flush=True)
            await send({"type": f"lifespan.{moment}.complete"})
        return
    query = parse_qs(scope["query_string"].decode())
    if scope["path"] == "/large":
        content_type, body = b"text/plain", b"x" * int(query["bytes"][0])
    elif scope["path"] == "/sleep":
        mark.set(query["mark"][0])
        await asyncio.sleep(float(query["seconds"][0]))
        seen = {"mark": mark.get(), "request_id": scope["aws.context"].aws_request_id, "pid": os.getpid()}
        content_type, body = b"application/json", json.dumps(seen).encode()
    elif scope["path"] == "/log":
        logging.getLogger("user").warning("x" * int(query["bytes"][0]))
        for stream in (sys.stdout, sys.stderr):
            print("y" * int(query["bytes"][0]), file=stream)
        content_type, body = b"text/plain", b"logged"
    elif scope["path"] == "/die":
        os.kill(os.getpid(), signal.SIGKILL)
        return
    else:
        content_type, body = b"application/json", json.dumps(surroundings()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", content_type)]})
    await send({"type": "http.response.body", "body": body})


def surroundings() -> dict[str, Any]:
    """Describe the process and its container."""
    return {
        "uid": os.getuid(),
        "cwd": os.getcwd(),  # noqa: PTH109 - a string is what is wanted
        "environment": dict(os.environ),
        "python": sys.executable,
        "writable": [folder for folder in ("/", "/tmp", "/var/task") if os.access(folder, os.W_OK)],  # noqa: S108
    }
