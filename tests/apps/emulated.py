"""Functions that do what their event says, for the emulator's tests."""

import asyncio
import json
import os
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INVOCATIONS = 0


def obey(event: Any, context: Any) -> Any:
    """Print, wait (`until` a file is there), exit, fail; then answer with who and which invocation this is."""
    global INVOCATIONS
    INVOCATIONS += 1
    event = event or {}
    if "print" in event:
        print(event["print"], flush=True)
    if "stderr" in event:
        print(event["stderr"], file=sys.stderr, flush=True)
    time.sleep(event.get("sleep", 0))
    while "until" in event and not Path(event["until"]).exists():
        time.sleep(0.005)
    if "exit" in event:
        os._exit(event["exit"])
    if "fail" in event:
        raise LookupError(event["fail"])
    if "bytes" in event:
        return "x" * event["bytes"]
    return {"pid": os.getpid(), "invocations": INVOCATIONS, "event": event, "request_id": context.aws_request_id}


async def obey_side_by_side(event: Any, context: Any) -> Any:
    """Wait `until` a file is there, without holding up the others."""
    while "until" in event and not Path(event["until"]).exists():  # noqa: ASYNC110, ASYNC240 - another process makes it
        await asyncio.sleep(0.005)
    return {"pid": os.getpid(), "event": event, "request_id": context.aws_request_id}


def stream(event: Any, context: Any) -> Iterator[bytes]:
    """`count` pieces of `size` bytes; after each, `pause` seconds or until its number is in `gates`; then the end."""
    for number in range(event["count"]):
        yield bytes([97 + number % 26]) * event.get("size", 1)
        print("taken", number + 1, flush=True)
        time.sleep(event.get("pause", 0))
        while "gates" in event and not Path(event["gates"], str(number)).exists():
            time.sleep(0.005)
    if "fail" in event:
        raise LookupError(event["fail"])
    if "exit" in event:
        os._exit(event["exit"])


def describe(event: Any, context: Any) -> Any:
    """What the function is told of itself."""
    client = context.client_context
    return {
        "environ": dict(os.environ),
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "remaining_ms": context.get_remaining_time_in_millis(),
        "client": None if client is None else client.custom,
        "identity": context.identity and context.identity.cognito_identity_id,
        "tenant": getattr(context, "tenant_id", None),
        "event": event,
        "cwd": str(Path.cwd()),
    }


def metadata(event: Any, context: Any) -> Any:
    """What the metadata service says to who has the token."""
    url = f"http://{os.environ['AWS_LAMBDA_METADATA_API']}/2026-01-15/metadata/execution-environment"
    headers = {"Authorization": f"Bearer {os.environ['AWS_LAMBDA_METADATA_TOKEN']}"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        return json.load(answer)


def _tick(file: str) -> None:
    while True:
        with Path(file).open("ab") as ticks:
            ticks.write(b".")
        time.sleep(0.005)


def ticking(event: Any, context: Any) -> None:
    """Start a thread that makes a file longer all the time; without an event, only give it time."""
    if event is not None:
        threading.Thread(target=_tick, args=(event,), daemon=True).start()
    time.sleep(0.05)
