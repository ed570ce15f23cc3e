"""Applications whose traces, metrics and hooks are watched. What to register is in HOOKS."""

import asyncio
import itertools
import json
import logging
import os
import time
from typing import Any

import everloop
from gates import gate
from messages import body, no_lifespan, start

HOOKS = os.environ.get("HOOKS", "").split(",")


def said(what: str) -> None:
    invocation = everloop.current_invocation()
    print(f"{what} in {invocation and invocation.request_id}", flush=True)


if "failing" in HOOKS:

    @everloop.after_response
    def flush_failing() -> None:
        raise SystemExit("the exporter is gone")


if "gated" in HOOKS:
    passed = itertools.count(1)

    @everloop.after_response(timeout=10)
    async def wait_at_gate() -> None:
        said("gated hook")
        await gate(f"hook {next(passed)}")


if "async" in HOOKS:

    @everloop.after_response
    async def flush_async() -> None:
        await asyncio.sleep(0.05)
        said("async hook")


if "sync" in HOOKS:

    @everloop.after_response
    def flush_sync() -> None:
        time.sleep(0.05)
        said("sync hook")


if "slow" in HOOKS:

    @everloop.after_response(timeout=0.1)
    async def flush_slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            said("slow hook cancelled")

    @everloop.after_response(timeout=0.1)
    def flush_slow_thread() -> None:
        time.sleep(1.5)
        said("slow thread done")


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with its headers; `/stream` in two pieces."""
    await no_lifespan(scope)
    headers = [[name.decode(), value.decode()] for name, value in scope["headers"]]
    await send(start())
    if scope["path"] == "/stream":
        await send(body(b"one", more=True))
        await send(body(b"two"))
    elif scope["path"] == "/raise":
        raise ValueError("no")
    else:
        await send(body(json.dumps(headers).encode()))


def handler(event: Any, context: Any) -> Any:
    """A plain handler."""
    logging.getLogger("plain").warning("handled")
    return {"event": event, "w3c": context.w3c()}


def wsgi(environ: Any, start_response: Any) -> Any:
    """The same as WSGI."""
    start_response("200 OK", [("content-type", "application/json")])
    names = ("HTTP_X_AMZN_TRACE_ID", "HTTP_TRACEPARENT")
    return [json.dumps({name: environ.get(name) for name in names}).encode()]
