"""EVERLOOP_WARMUP: requests that the application answers before the first poll, so that no user waits for caches."""

import asyncio
import logging
from collections.abc import Iterable
from time import perf_counter
from typing import Any

from everloop.asgi.cycle import CycleState, RequestCycle
from everloop.asgi.scope import build_scope
from everloop.asgi.types import Application, Scope
from everloop.errors import InvalidSettings
from everloop.exchange import HttpRequest, ResponseHead
from everloop.handlers.deadline import GRACE
from everloop.kinds import Kind
from everloop.settings import Settings
from everloop.signals import StopRequested, leave_if_forked
from everloop.sources.paths import split_path

logger = logging.getLogger("everloop")

TIMEOUT = 5.0
"""Seconds for one path on demand: a response without an end must not use up the 10 that Lambda gives to start-up."""


def check(chosen: Settings, kind: Kind) -> None:
    """Raise `InvalidSettings` where there are paths and nothing that could be asked for them."""
    if chosen.warmup and kind not in (Kind.ASGI, Kind.WSGI):
        paths = ",".join(chosen.warmup)
        raise InvalidSettings([f"EVERLOOP_WARMUP={paths!r}: expected none, because {chosen.handler} is {kind.value}"])


async def warm_up(app: Application, state: dict[str, Any], paths: Iterable[str], limit: float | None) -> None:
    """GET each path, in order, each within `limit` seconds. Responses are discarded, failures logged.

    Each in a task of its own, so that an application that cancels its task cancels nothing else.
    """
    for path in paths:
        started = perf_counter()
        sink = _Discard()
        cycle = RequestCycle("GET", b"", sink)
        task = asyncio.create_task(_outcome(app, build_scope(_request(path), state), cycle))
        try:
            await asyncio.wait((task,), timeout=limit)
        except asyncio.CancelledError:  # the process ends
            task.cancel()
            raise
        if not task.done():
            logger.warning(
                "Warm-up of %s failed: it was not done within %g s, half of the time that Lambda gives to an "
                "initialisation on demand, and was cancelled",
                path,
                limit,
            )
            task.cancel()
            await asyncio.wait((task,), timeout=GRACE)
        elif (error := task.result()) is not None:
            _raised(path, error)
        elif cycle.state is CycleState.COMPLETE and sink.status < 400:
            logger.debug("Warm-up of %s took %.0f ms", path, (perf_counter() - started) * 1000)
        else:
            outcome = f"was answered {sink.status}" if sink.status else "was not answered"
            logger.warning("Warm-up of %s failed: it %s", path, outcome)


async def _outcome(app: Application, scope: Scope, cycle: RequestCycle) -> BaseException | None:
    """Give what the application raised. Not by raising it: SystemExit in a task ends the loop."""
    try:
        await app(scope, cycle.receive, cycle.send)
    except BaseException as error:  # noqa: BLE001 - it is logged
        leave_if_forked(error)
        return error
    return None


def warm_up_wsgi(app: Any, paths: Iterable[str]) -> None:
    """Do the same with a WSGI application, in the thread that it is called in itself; nothing can stop it."""
    from everloop.wsgi.cycle import WsgiCycle
    from everloop.wsgi.environ import build_environ

    for path in paths:
        sink = _Discard()
        try:
            WsgiCycle("GET", sink, joined=False).run(app, build_environ(_request(path), multithread=False))
        except StopRequested:
            raise
        except BaseException as error:  # noqa: BLE001 - it is logged
            _raised(path, error)
            continue
        if sink.status >= 400:
            logger.warning("Warm-up of %s failed: it was answered %s", path, sink.status)


def _raised(path: str, error: BaseException) -> None:
    leave_if_forked(error)
    logger.warning("Warm-up of %s failed", path, exc_info=error)


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
