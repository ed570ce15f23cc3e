"""ASGI applications: an invocation in, one request cycle, an answer out."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Any

from everloop.api.reply import Reply
from everloop.asgi.cycle import CycleState, RequestCycle
from everloop.asgi.scope import build_scope
from everloop.asgi.types import Application
from everloop.background import leave_running, settle
from everloop.errors import DeadlineExceeded, IncompleteResponse, InvocationError, ShutDown
from everloop.handlers.answers import Answer, BufferedAnswer, StreamedAnswer
from everloop.handlers.base import ApplicationExit
from everloop.handlers.deadline import GRACE, DeadlineWatch, time_before_stop
from everloop.invocation import Invocation
from everloop.report import ErrorReport
from everloop.sources.base import EventSource
from everloop.sources.body import TextTypes
from everloop.sources.mount import mount
from everloop.sources.registry import BUILT_IN, select

logger = logging.getLogger("everloop")


class AsgiHandler:
    """Gives every invocation to one ASGI application."""

    def __init__(
        self,
        app: Application,
        state: dict[str, Any],
        *,
        streaming: bool,
        base_path: str = "",
        text_types: Collection[str] = (),
        error_statuses: Collection[int] = (),
        deadline_margin: float = 0.25,
        sources: Sequence[EventSource] = BUILT_IN,
    ) -> None:
        self._app = app
        self._state = state
        self._streaming = streaming
        self._base_path = base_path
        self._text_types = TextTypes(text_types)
        self._error_statuses = frozenset(error_statuses)
        self._margin = deadline_margin
        self._sources = sources
        self._warned: set[str] = set()

    async def handle(self, invocation: Invocation, reply: Reply) -> None:
        """Answer one invocation; return when the next one may come.

        Raises `ApplicationExit` when the application raised `SystemExit`.
        """
        try:
            event = invocation.event
            source = select(event, self._sources)
            request = source.decode(event)
        except InvocationError as error:
            logger.error("%s: %s", error.error_type, error)
            reply.fail(ErrorReport.of(error))
            return
        mount(request, self._base_path)
        scope = build_scope(request, self._state)
        scope["aws.event"] = event
        scope["aws.context"] = invocation.context
        if self._streaming and source.streams:
            answer: Answer = StreamedAnswer(reply, source, self._error_statuses)
        else:
            if self._streaming:
                self._warn_buffered(source)
            answer = BufferedAnswer(reply, source, event, self._text_types, self._error_statuses)
        cycle = RequestCycle(request.method, request.body, answer)
        reply.on_broken = cycle.cut
        run = _Run(cycle, answer, reply, time_before_stop(invocation.remaining(), self._margin))
        await run.until_released(self._app, scope)
        # Without this the collector would have to find and break a ring of objects for every invocation.
        reply.on_broken = None
        if invocation.background:
            await settle(invocation, run.stop_at)
        if run.exit_code is not None:
            raise ApplicationExit(run.exit_code)

    def _warn_buffered(self, source: EventSource) -> None:
        if source.name not in self._warned:
            self._warned.add(source.name)
            logger.warning(
                "EVERLOOP_RESPONSE_MODE is streaming, but %s cannot stream: its responses are buffered", source.name
            )


class _Run:
    """One call of the application, and what becomes of it."""

    __slots__ = ("_answer", "_cycle", "_loop", "_released", "_reply", "_stopping", "_watch", "exit_code", "stop_at")

    def __init__(self, cycle: RequestCycle, answer: Answer, reply: Reply, seconds: float | None) -> None:
        self._cycle = cycle
        self._answer = answer
        self._reply = reply
        self._loop = asyncio.get_running_loop()
        self._released: asyncio.Future[None] = self._loop.create_future()
        self._watch: DeadlineWatch | None = None
        self._stopping = False
        self.stop_at = None if seconds is None else self._loop.time() + seconds
        """When, by the loop's clock, the application is told to stop."""
        self.exit_code: int | None = None

    async def until_released(self, app: Application, scope: dict[str, Any]) -> None:
        """Run the application; return when it has ended or must not be waited for any longer."""
        task = self._loop.create_task(self._call(app, scope))
        if self.stop_at is not None:
            self._watch = DeadlineWatch(task, self._released, self.stop_at, self._deadline_near, self._cycle.cut)
        try:
            await self._released
        except asyncio.CancelledError:
            await self._shut_down(task)
            raise
        finally:
            if self._watch is not None:
                self._watch.stop()
        if self._expired and not self._cycle.delivered:
            self._fail_by_deadline()
        if not task.done():
            leave_running(task)

    async def _call(self, app: Application, scope: dict[str, Any]) -> None:
        """Call the application and see to the answer it leaves behind. Nothing is raised from here."""
        cycle = self._cycle
        try:
            await app(scope, cycle.receive, cycle.send)
        except SystemExit as error:
            self.exit_code = exit_code(error)
            self._log("The application raised SystemExit: the process shuts down", error)
            if self._unanswered:
                cycle.cut()
                self._reply.fail(ErrorReport.of(error))
        except BaseException as error:  # noqa: BLE001 - whatever the application raises, the process lives on
            if isinstance(error, asyncio.CancelledError) and (self._stopping or self._expired):
                return  # who cancelled gives the answer
            self._log("The application raised", error)
            self._replace(500, "Internal Server Error", error)
        else:
            if self._unanswered:
                error = IncompleteResponse(
                    "The application returned before it had completed its response "
                    f"(state {cycle.state.name}: {_LACKING[cycle.state]})"
                )
                logger.error("%s", error)
                self._replace(500, "Internal Server Error", error)
        finally:
            if not self._released.done():
                self._released.set_result(None)

    async def _shut_down(self, task: asyncio.Task[None]) -> None:
        """Cancel the application because the process is about to end, and tell the client."""
        self._stopping = True
        task.cancel()
        await asyncio.wait((task,), timeout=GRACE)
        self._replace(503, "Service Unavailable", ShutDown("The process was shut down before the response was complete"))

    @property
    def _expired(self) -> bool:
        return self._watch is not None and self._watch.expired

    def _deadline_near(self) -> bool:
        """Tell the application; False when there is nothing left that it could do for the client."""
        if self._cycle.delivered:
            return False
        self._cycle.disconnect()
        return True

    @property
    def _unanswered(self) -> bool:
        """True while the client waits for an answer that is neither given nor, by the deadline, about to be."""
        return not (self._cycle.delivered or self._expired or self._reply.broken)

    def _fail_by_deadline(self) -> None:
        error = DeadlineExceeded(
            "The deadline came near before the response was complete. Raise the function's timeout, or do less."
        )
        logger.error("%s: %s", error.error_type, error)
        self._cycle.cut()
        if not self._reply.broken:
            self._answer.replace(504, "Gateway Timeout", ErrorReport.of(error))

    def _log(self, what: str, error: BaseException) -> None:
        after = " after its response was complete; the response stands" if self._cycle.delivered else ""
        logger.error("%s%s", what, after, exc_info=error)

    def _replace(self, status: int, text: str, error: BaseException) -> None:
        """Give the answer that stands for a failure, unless there is one or the deadline gives it."""
        if self._unanswered:
            self._cycle.cut()
            self._answer.replace(status, text, ErrorReport.of(error))


_LACKING = {
    CycleState.REQUEST: "nothing was sent",
    CycleState.HEAD: "http.response.start was sent and no http.response.body",
    CycleState.BODY: "no http.response.body without more_body was sent",
}


def exit_code(error: SystemExit) -> int:
    """Give the exit code that the interpreter would give."""
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1
