"""Handlers that AWS's client and everloop treat differently, on purpose."""

import asyncio
import contextvars
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

seen: contextvars.ContextVar[int] = contextvars.ContextVar("seen", default=0)


def echo(event: Any, context: Any) -> Any:
    return event


def kind_of_event(event: Any, context: Any) -> str:
    return type(event).__name__


def fails(event: Any, context: Any) -> None:
    raise ValueError(event if isinstance(event, str) else "x" * event)


def deeper(event: Any, context: Any) -> None:
    import json

    json.loads("{", object_hook=None)


def chained(event: Any, context: Any) -> None:
    try:
        raise KeyError("the cause")
    except KeyError as error:
        raise ValueError("the effect") from error


def interrupted(event: Any, context: Any) -> Any:
    if event == "interrupt":
        raise KeyboardInterrupt
    return event


def large(event: Any, context: Any) -> Any:
    return "x" * event


def surrogate(event: Any, context: Any) -> Any:
    return "\ud800" if event else "fine"


async def coroutine(event: Any, context: Any) -> Any:
    return event


def returns_coroutine(event: Any, context: Any) -> Any:
    return coroutine(event, context)


def closes_the_loop(event: Any, context: Any) -> Any:
    loop = asyncio.get_event_loop()
    try:
        return loop.run_until_complete(coroutine(event, context))
    finally:
        loop.close()


def loop_is_of_asyncio(event: Any, context: Any) -> bool:
    return isinstance(asyncio.get_event_loop(), asyncio.BaseEventLoop)


def writes_and_exits(event: Any, context: Any) -> None:
    print("begun")
    sys.stdout.write("part")
    os._exit(3)


def generator(event: Any, context: Any) -> Iterator[str]:
    yield "one "
    yield "two"


def counts(event: Any, context: Any) -> int:
    seen.set(seen.get() + 1)
    return seen.get()


def one_argument(event: Any) -> Any:
    return event


def logs_wrongly(event: Any, context: Any) -> str:
    logging.getLogger().warning("%d orders", "no number")
    return "logged"


def process(event: Any, context: Any) -> int:
    return os.getpid()


def own_marshaller() -> Any:
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClient
    from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

    class Shouting(LambdaMarshaller):  # type: ignore[misc]  # AWS's client has no types
        def marshal_response(self, response: Any) -> Any:
            return '"LOUD"', "application/json"

    LambdaRuntimeClient.marshaller = Shouting()


if os.environ.get("OWN_MARSHALLER"):
    own_marshaller()
