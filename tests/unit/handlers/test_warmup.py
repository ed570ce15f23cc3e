"""EVERLOOP_WARMUP: how long a path may take, and where that is limited."""

import asyncio
import logging
from typing import Any

import pytest

from everloop.handlers.warmup import warm_up
from everloop.settings import Settings
from everloop.slow_import import limited

ENDED: list[str] = []


async def endless(scope: Any, receive: Any, send: Any) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ENDED.append(scope["path"])


async def quick(scope: Any, receive: Any, send: Any) -> None:
    raise TimeoutError("of its own")


def test_what_takes_too_long_is_cancelled_and_the_limit_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """One line for each path, no traceback; all paths are requested."""
    ENDED.clear()
    asyncio.run(warm_up(endless, {}, ["/one", "/two"], 0.01))

    assert ENDED == ["/one", "/two"]
    assert [record.getMessage().partition(", half")[0] for record in caplog.records] == [
        f"Warm-up of {path} failed: it was not done within 0.01 s" for path in ("/one", "/two")
    ]
    assert not any(record.exc_info for record in caplog.records)


def test_an_application_may_have_timeouts_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """Not taken for the limit."""
    asyncio.run(warm_up(quick, {}, ["/"], 60))

    [record] = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.WARNING, "Warm-up of / failed")
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "of its own"


@pytest.mark.parametrize("limit", [None, 60])
def test_the_end_of_the_process_cancels_it(limit: float | None, caplog: pytest.LogCaptureFixture) -> None:
    """What waits for it is cancelled, and so is the application; no further path is requested."""
    ENDED.clear()

    async def stopped() -> None:
        task = asyncio.create_task(warm_up(endless, {}, ["/one", "/two"], limit))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)

    asyncio.run(stopped())
    assert ENDED == ["/one"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, True),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}, True),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}, False),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}, False),
        ({"AWS_LAMBDA_MAX_CONCURRENCY": "2"}, False),
    ],
)
def test_where_lambda_limits_the_start(environ: dict[str, str], *, expected: bool) -> None:
    """On demand alone."""
    settings = Settings.from_environ({"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001", **environ}, ["main:app"])
    assert limited(settings) is expected
