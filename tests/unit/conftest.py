"""Both event loops: what holds on one must hold on the other. And one whose clock the test sets."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from support.hostile import VirtualLoop


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    """Give the current loop; its time passes at once."""
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    yield loop
    loop.close()
    asyncio.set_event_loop(None)
