"""Plain handlers that the loop runs: async functions, async generators, and whatever else needs a loop."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Generator, Iterable
from types import AsyncGeneratorType, GeneratorType, NoneType
from typing import Any

from everloop.api.promptness import Habit
from everloop.api.reply import UNDER_WAY, Reply
from everloop.background import settle
from everloop.errors import ClientDisconnected, DeadlineExceeded, ShutDown
from everloop.failures import log_failure
from everloop.handlers.answers import fit
from everloop.handlers.base import ApplicationExit, done, exit_code, is_shut_down
from everloop.handlers.deadline import Deadlines
from everloop.handlers.front import Front
from everloop.handlers.pieces import Pieces
from everloop.handlers.results import HandlerFailure, marshal
from everloop.http_stream import HttpStream
from everloop.invocation import Invocation
from everloop.signals import leave_if_forked

logger = logging.getLogger("everloop")

Function = Callable[[Any, Any], Any]

DATA = frozenset((dict, str, NoneType, list, int, float, bool, bytes, tuple))
"""Types whose values are results, which need no closer look."""

PIECES_PER_TURN = 64
"""Pieces after which the loop turns: a generator that never waits would starve all else, its deadline included."""


class _Returned(Habit):
    """The habit of what has returned already: nothing follows its result, which may wait for the next poll."""

    __slots__ = ()

    def returned(self, seconds: float) -> None:
        """Learn nothing: work that was given to `wait_until()` comes after the result has been let go."""


RETURNED = _Returned()
RETURNED.trusted = True


class AsyncFunction:
    """Awaits a handler on the loop and answers with its result, or streams what it yields."""

    def __init__(self, function: Function, front: Front, *, streaming: bool, deadline_margin: float) -> None:
        self._function = function
        self._front = front
        self._streaming = streaming
        self._deadlines = Deadlines(asyncio.get_event_loop(), deadline_margin)

    def handle(self, invocation: Invocation, reply: Reply) -> Coroutine[Any, Any, None]:
        """Answer one invocation; what is given is awaited, and ends when the next one may come.

        Raises `ApplicationExit`. No coroutine itself, but gives the one that is needed: a layer less for each call.
        """
        try:
            event = invocation.exact_event
            result = self._function(event, invocation.new_context())
        except BaseException as error:  # noqa: BLE001 - whatever the handler raises, the process lives on
            failed(reply, error)
            return done()
        return self.conclude(invocation, reply, result)

    async def conclude(self, invocation: Invocation, reply: Reply, result: Any) -> None:
        """Await, stream or send what a handler returned, watched over until the deadline. Raises `ApplicationExit`."""
        run = _Run(reply)
        self._deadlines.watch(run, invocation.deadline)
        try:
            if hasattr(type(result), "__await__"):
                result = await result
            reply.habit = RETURNED
            if type(result) in DATA:
                fit(reply, *marshal(result))
            else:
                await self._deliver(invocation, reply, result, run)
        except BaseException as error:  # noqa: BLE001 - whatever the handler raises, the process lives on
            run.raised(error)
        finally:
            self._deadlines.stop(run)
        if invocation.background:
            await settle(invocation, run.stop_at)

    async def _deliver(self, invocation: Invocation, reply: Reply, result: Any, run: "_Run") -> None:
        if isinstance(result, AsyncGenerator | Generator | HttpStream):
            run.streams = True
            pieces = Pieces(reply, invocation.event, self._front, streaming=self._streaming)
            await self._stream(pieces, reply, result, run)
        else:
            fit(reply, *marshal(result))

    async def _stream(self, pieces: Pieces, reply: Reply, source: Any, run: "_Run") -> None:
        """Pass on what a source yields. It is closed in any case: its `finally` blocks free what it holds."""
        if isinstance(source, HttpStream):
            pieces.take(source)
            source = body_of(source)
        try:
            number = 0
            waits = isinstance(source, AsyncIterable)
            async for item in source if isinstance(source, AsyncIterable) else _turns(source):
                pieces.take(item)
                number += 1
                if reply.paused:
                    await reply.drain()
                elif not waits or not number % PIECES_PER_TURN:  # one that cannot wait may take long for each piece
                    await asyncio.sleep(0)
            pieces.finish()
        finally:
            run.closing = True
            if isinstance(source, AsyncGeneratorType | AsyncGenerator):
                await source.aclose()
            elif isinstance(source, GeneratorType | Generator):
                source.close()


class _Run:
    """One invocation's work in its task, and what becomes of it."""

    __slots__ = ("_broken", "_closed_late", "_reply", "_task", "closing", "expired", "stop_at", "streams")

    stop_at: float | None
    expired: bool

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._task: asyncio.Task[Any] | None = asyncio.current_task()
        self._broken = False
        self.streams = False
        """True once a generator runs: it alone is stopped when nobody can get what it yields, all else goes on."""
        self.closing = False
        """True once its generator is being closed."""
        self._closed_late = False
        """True where that begins after the first step of the deadline."""
        reply.on_broken = self._on_broken

    def raised(self, error: BaseException) -> None:
        """Answer for what the work raised. Raises `ApplicationExit`, and `CancelledError` at shutdown."""
        if not isinstance(error, asyncio.CancelledError):
            failed(self._reply, error)
        elif self.expired:
            failed(self._reply, deadline_exceeded())
        elif self._broken:
            logger.debug("The handler was stopped: nobody can get what it yields or returns")
        elif is_shut_down(self._task):
            failed(self._reply, ShutDown("The process was shut down before the handler had returned"))
            raise error
        else:
            failed(self._reply, error)

    def _on_broken(self) -> None:
        # A task that was cancelled at its deadline is closing its generator, and must not be cancelled in that.
        # `cut`: the process ends, or somebody else answers.
        if (self.streams or self._reply.cut) and self._task is not None and not (self._broken or self.expired):
            self._broken = True
            self._task.cancel()

    # The three steps of the deadline.

    @property
    def invocation(self) -> Invocation:
        """What it works on."""
        return self._reply.invocation

    def deadline_near(self) -> bool:
        """Tell whether there is still something to stop. A plain handler has `context` to see what time is left."""
        self._closed_late = not self.closing
        # A generator whose pieces nobody gets, for a HEAD request, may run without an end after its answer.
        return self._reply.state in UNDER_WAY or self._reply.broken or (self.streams and not self.closing)

    def deadline_cancel(self) -> None:
        """Cancel the handler. A generator that has begun to close since it was near its deadline has its moment."""
        if self._task is not None and not (self.closing and self._closed_late):
            self._task.cancel()

    def deadline_abandon(self) -> None:
        """Answer, and let the slot poll while the handler goes on by itself."""
        if self._task is not None and self.closing and self._closed_late:
            self._task.cancel()
        failed(self._reply, deadline_exceeded())
        self._reply.release()


def failed(reply: Reply, error: BaseException) -> None:
    """Log what a handler raised and report it, unless the answer is out. Raises `ApplicationExit` for `SystemExit`."""
    leave_if_forked(error)
    report = HandlerFailure.of_handler(error)
    if isinstance(error, ClientDisconnected) and reply.broken:
        return  # the connection has told it already
    after = "" if reply.state in UNDER_WAY or reply.broken else " after its answer was complete; the answer stands"
    log_failure(f"{report.error_type}: {report.message}{after}", error, report)
    if reply.state in UNDER_WAY:
        reply.fail(report)
    if isinstance(error, SystemExit):
        raise ApplicationExit(exit_code(error)) from error


def deadline_exceeded() -> DeadlineExceeded:
    """Make the error of a handler that was stopped."""
    return DeadlineExceeded(
        "The deadline came near before the handler had returned. Raise the function's timeout, or do less."
    )


def body_of(head: HttpStream) -> Iterable[Any] | AsyncIterable[Any]:
    """Give the pieces of a returned `http_stream()`."""
    if head.body is None:
        return ()
    return (head.body,) if isinstance(head.body, str | bytes) else head.body


async def _turns(source: Iterable[Any]) -> AsyncGenerator[Any, None]:
    for item in source:
        yield item
