"""Raises errors that have others in them."""

import asyncio
import logging
from typing import Any

from messages import no_lifespan

logger = logging.getLogger("shop")


def connect() -> None:
    raise ConnectionError("db down")


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    connect()


async def group(scope: Any, receive: Any, send: Any) -> None:
    """The inner error of a TaskGroup is what failed."""
    await no_lifespan(scope)

    async def query() -> None:
        connect()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(query())


def chained(event: Any, context: Any) -> None:
    try:
        connect()
    except ConnectionError as error:
        raise LookupError("no order") from error


def logs_chained(event: Any, context: Any) -> None:
    try:
        chained(event, context)
    except LookupError:
        logger.exception("caught one")


def unserialisable(event: Any, context: Any) -> Any:
    return object()


def echo(event: Any, context: Any) -> Any:
    return event


class Named(Exception):
    """Has an attribute of everloop's name, which says something else."""

    error_type = "card_declined"


async def named(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise Named("no money")


def named_factory() -> None:
    raise Named("no money")
