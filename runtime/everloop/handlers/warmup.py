"""EVERLOOP_WARMUP: requests that the application answers before the first poll, so that no user waits for caches."""

import asyncio
import logging
from collections.abc import Iterable
from time import perf_counter
from typing import Any

from everloop.asgi.cycle import CycleState, RequestCycle
from everloop.asgi.scope import build_scope
from everloop.asgi.types import Application
from everloop.exchange import HttpRequest, ResponseHead
from everloop.sources.paths import split_path

logger = logging.getLogger("everloop")

TIMEOUT = 5.0
"""Seconds for one path: a response without an end must not use up the 10 seconds that Lambda gives to start-up."""


async def warm_up(app: Application, state: dict[str, Any], paths: Iterable[str]) -> None:
    """GET each path, in order. Responses are discarded; failures are logged and change nothing."""
    for path in paths:
        started = perf_counter()
        sink = _Discard()
        cycle = RequestCycle("GET", b"", sink)
        try:
            async with asyncio.timeout(TIMEOUT):
                await app(build_scope(_request(path), state), cycle.receive, cycle.send)
        except Exception as error:
            logger.warning("Warm-up of %s failed", path, exc_info=error)
            continue
        if cycle.state is CycleState.COMPLETE and sink.status < 400:
            logger.debug("Warm-up of %s took %.0f ms", path, (perf_counter() - started) * 1000)
        else:
            outcome = f"was answered {sink.status}" if sink.status else "was not answered"
            logger.warning("Warm-up of %s failed: it %s", path, outcome)


def warm_up_wsgi(app: Any, paths: Iterable[str]) -> None:
    """Do the same with a WSGI application, in the thread that it is called in itself; nothing can stop it."""
    from everloop.wsgi.cycle import WsgiCycle
    from everloop.wsgi.environ import build_environ

    for path in paths:
        sink = _Discard()
        try:
            WsgiCycle("GET", sink, joined=False).run(app, build_environ(_request(path), multithread=False))
        except Exception as error:
            logger.warning("Warm-up of %s failed", path, exc_info=error)
            continue
        if sink.status >= 400:
            logger.warning("Warm-up of %s failed: it was answered %s", path, sink.status)


class _Discard:
    """Keeps the status only."""

    paused = False

    def __init__(self) -> None:
        self.status = 0

    async def drain(self) -> None:
        pass

    def start(self, head: ResponseHead, body: bytes, more: bool) -> None:
        self.status = head.status

    def write(self, body: bytes, more: bool) -> None:
        pass


def _request(target: str) -> HttpRequest:
    path, _, query = target.partition("?")
    decoded, raw_path = split_path(path)
    return HttpRequest(
        method="GET",
        path=decoded,
        raw_path=raw_path,
        root_path="",
        query_string=query.encode(),
        headers=[(b"host", b"localhost"), (b"user-agent", b"everloop-warm-up")],
        client=None,
        server=("localhost", 443),
        scheme="https",
        body=b"",
    )
