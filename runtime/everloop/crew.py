"""The tasks that work on invocations."""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine, MutableMapping
from functools import partial
from typing import Any

from everloop.after_response import hooks, run_hooks
from everloop.api.reply import UNDER_WAY, Reply
from everloop.failures import log_failure
from everloop.handlers.base import ApplicationExit, InvocationHandler, is_shut_down, shut_down
from everloop.handlers.deadline import GRACE, time_before_stop
from everloop.invocation import Invocation, current, serving
from everloop.report import ErrorReport
from everloop.tracing import TraceVariable
from everloop.unwritten import unwritten

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
        *,
        alone: bool = False,
    ) -> None:
        """`alone`: invocations come one at a time."""
        self._handler = handler
        self._alone = alone
        self._margin = deadline_margin
        self._trace = None if environ is None else TraceVariable(environ)
        self._on_exit = on_exit
        self._start = task_starter(asyncio.get_running_loop())
        self._tasks: dict[Reply, asyncio.Task[None]] = {}
        """Those that wait for something: loops keep weak references only. They leave by themselves at their end, which
        costs less than a callback."""

    def accept(self, invocation: Invocation, reply: Reply) -> None:
        """Start to work on an invocation."""
        task = self._start(self._work(invocation, reply))
        if not task.done():
            self._tasks[reply] = task

    def waiting(self) -> int:
        """Count the invocations in flight that are not running this moment. Any thread may ask."""
        return sum(not getattr(task.get_coro(), "cr_running", False) for task in list(self._tasks.values()))

    async def finish(self, seconds: float) -> None:
        """Give the work in flight `seconds` to end, then cancel it."""
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=seconds)
        for task in self._tasks.values():
            shut_down(task)
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=GRACE)
        if self._tasks:
            logger.warning(
                "%d invocation(s) did not end when they were cancelled; the shutdown goes on without them",
                len(self._tasks),
            )

    async def _work(self, invocation: Invocation, reply: Reply) -> None:
        current.set(invocation)
        if self._alone:
            serving.invocation = invocation
        if self._trace is not None:
            self._trace.export(invocation.trace_header)
        try:
            await self._handler.handle(invocation, reply)
            if hooks:
                await run_hooks(invocation, time_before_stop(invocation.remaining(), self._margin))
        except ApplicationExit as exiting:
            self._on_exit(exiting.code)
            return  # and no further poll
        except asyncio.CancelledError as error:
            if is_shut_down(asyncio.current_task()):
                raise
            self._cancelled(invocation, reply, error)
        except Exception as error:  # noqa: BLE001 - a mistake in everloop must not end the process
            log_failure("everloop failed; please report this", error)
            if reply.state in UNDER_WAY:
                reply.fail(ErrorReport.of(error))
        finally:
            self._tasks.pop(reply, None)
        if unwritten.pending:
            unwritten.flush()  # with the poll the process may be frozen
        reply.release()

    def _cancelled(self, invocation: Invocation, reply: Reply, error: BaseException) -> None:
        """Go on where the application has cancelled the task after its call was over: the slot must not end with it."""
        logger.warning(
            "The task of the invocation was cancelled after the application had returned, and what it waited for is "
            "left running. A timer of the application's own that it did not take back is the usual cause."
        )
        if reply.state in UNDER_WAY:
            reply.fail(ErrorReport.of(error))


def task_starter(loop: asyncio.AbstractEventLoop) -> Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]:
    """Give what starts a task at once: an application that never waits is done within that call.

    Python 3.11 knows nothing but to start it in the loop's next turn.
    """
    if sys.version_info >= (3, 12):
        return partial(asyncio.Task, loop=loop, eager_start=True)
    return loop.create_task
