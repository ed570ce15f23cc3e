"""Async functions that their decorators run."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import wrapt


async def fetch(event: Any) -> Any:
    await asyncio.sleep(0)
    return event


class Run:
    def __init__(self, func: Callable[..., Coroutine[Any, Any, Any]]) -> None:
        self.func = func

    def __call__(self, event: Any, context: Any) -> Any:
        return asyncio.run(self.func(event, context))


@wrapt.decorator
def run(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return asyncio.run(wrapped(*args, **kwargs))


@wrapt.decorator
def run_on_the_current_loop(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return asyncio.get_event_loop().run_until_complete(wrapped(*args, **kwargs))


@wrapt.decorator
def pass_on(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return wrapped(*args, **kwargs)


@Run
async def by_a_class(event: Any, context: Any) -> Any:
    return await fetch(event)


@run
async def by_wrapt(event: Any, context: Any) -> Any:
    return await fetch(event)


@run_on_the_current_loop
async def on_the_current_loop(event: Any, context: Any) -> Any:
    return await fetch(event)


@pass_on
async def passed_on(event: Any, context: Any) -> Any:
    return await fetch(event)
