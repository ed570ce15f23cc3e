"""Fixtures of the handlers' tests."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from support.answering import Answering
from support.hostile import VirtualLoop


@pytest.fixture
def answering() -> Iterator[Callable[[Any], Answering]]:
    """`answering(event)` makes an invocation with the right to answer it, on a loop whose clock the test moves."""
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    yield lambda event: Answering(loop, event if isinstance(event, bytes) else orjson.dumps(event))
    loop.close()
    asyncio.set_event_loop(None)
