"""The tasks that work on invocations."""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine, MutableMapping
from typing import Any

from everloop.after_response import hooks, run_hooks
from everloop.api.reply import UNDER_WAY, Reply
from everloop.handlers.base import ApplicationExit, InvocationHandler
from everloop.handlers.deadline import GRACE, time_before_stop
from everloop.invocation import Invocation, current
from everloop.report import ErrorReport
from everloop.tracing import TraceVariable

logger = logging.getLogger("everloop")


class Crew:
    """Gives every invocation a task of its own, and so a context of its own.

    `environ` is where _X_AMZN_TRACE_ID is kept, None where invocations run side by side.
    """

    def __init__(
        self,
        handler: InvocationHandler,
        environ: MutableMapping[bytes, bytes] | None,
        on_exit: Callable[[int], None],
        deadline_margin: float = 0.25,
    ) -> None:
        self._handler = handler
        self._margin = deadline_margin
        self._trace = None if environ is None else TraceVariable(environ)
        self._on_exit = on_exit
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        """Loops keep weak references only."""

    def accept(self, invocation: Invocation, reply: Reply) -> None:
        """Start to work on an invocation."""
        task = start_task(self._loop, self._work(invocation, reply))
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def waiting(self) -> int:
        """Count the invocations in flight that are not running this moment. Any thread may ask."""
        return sum(not getattr(task.get_coro(), "cr_running", False) for task in list(self._tasks))

    async def finish(self, seconds: float) -> None:
        """Give the work in flight `seconds` to end, then cancel it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE)

    async def _work(self, invocation: Invocation, reply: Reply) -> None:
        current.set(invocation)
        if self._trace is not None:
            self._trace.export(invocation.trace_header)
        try:
            await self._handler.handle(invocation, reply)
        except ApplicationExit as exiting:
            self._on_exit(exiting.code)
            return  # and no further poll
        except Exception as error:  # a mistake in everloop must not end the process
            logger.exception("everloop failed; please report this")
            if reply.state in UNDER_WAY:
                reply.fail(ErrorReport.of(error))
        if hooks:
            await run_hooks(invocation, time_before_stop(invocation.remaining(), self._margin))
        reply.release()


if sys.version_info >= (3, 12):

    def start_task(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task at once: an application that never waits is done within this call."""
        return asyncio.Task(work, loop=loop, eager_start=True)

else:

    def start_task(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task in the loop's next turn: Python 3.11 knows nothing else."""
        return loop.create_task(work)
