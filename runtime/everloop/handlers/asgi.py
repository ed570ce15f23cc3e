"""ASGI applications: an invocation in, one request cycle, an answer out."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from everloop.api.promptness import Habits
from everloop.api.reply import UNDER_WAY, Reply, ReplyState
from everloop.asgi.cycle import CycleState, RequestCycle
from everloop.asgi.scope import build_scope
from everloop.asgi.types import Application
from everloop.background import settle
from everloop.errors import DeadlineExceeded, IncompleteResponse, InvocationError, ShutDown, UnknownEvent
from everloop.handlers.access import LoggedAnswer
from everloop.handlers.answers import Answer, StreamedAnswer
from everloop.handlers.base import ApplicationExit, InvocationHandler, exit_code
from everloop.handlers.deadline import Deadlines, Stoppable
from everloop.handlers.front import Front
from everloop.handlers.generators import close_generators
from everloop.invocation import Invocation
from everloop.report import ErrorReport
from everloop.sources.base import Event
from everloop.sources.websocket import WebSocketApi

if TYPE_CHECKING:
    from everloop.handlers.websocket import WebSocketHandler

logger = logging.getLogger("everloop")


class AsgiHandler:
    """Gives every invocation to one ASGI application."""

    def __init__(
        self,
        app: Application,
        state: dict[str, Any],
        front: Front,
        *,
        deadline_margin: float = 0.25,
        access_log: bool = False,
        websocket_store: str = "memory",
        events: InvocationHandler | None = None,
    ) -> None:
        """`state` is the lifespan's; `events` gets what is not HTTP, where it does not go to the application."""
        self._app = app
        self._state = state
        self._front = front
        self._events = events
        self._deadlines = Deadlines(asyncio.get_event_loop(), deadline_margin)
        self._habits = Habits()
        self._access_log = access_log
        self._websocket_store = websocket_store
        self._websockets: WebSocketHandler | None = None

    async def handle(self, invocation: Invocation, reply: Reply) -> None:
        """Answer one invocation; return when the next one may come.

        Raises `ApplicationExit` when the application raised `SystemExit`.
        """
        try:
            call = self._front.open(invocation, reply)
        except InvocationError as error:
            if self._events is not None and isinstance(error, UnknownEvent):
                await self._events.handle(invocation, reply)
            else:
                logger.error("%s: %s", error.error_type, error)
                reply.fail(ErrorReport.of(error))
            return
        except Exception as error:
            logger.error("An event source raised", exc_info=error)
            reply.fail(ErrorReport.of(error))
            return
        if call is None:
            return
        if isinstance(call, WebSocketApi):
            await self._handle_websocket(invocation, reply, call, invocation.event)
            return
        request, answer, event = call
        reply.habit = self._habits.of((request.method, request.path))
        streamed = isinstance(answer, StreamedAnswer)
        # Not where it is buffered: at most 6 MB fit, and Starlette's GZipMiddleware does not compress what is sent so.
        scope = build_scope(request, self._state, streamed)
        scope["aws.event"] = event
        scope["aws.context"] = invocation.context
        logged = None
        if self._access_log:
            answer = logged = LoggedAnswer(answer, request)
        run = _Run(RequestCycle(request.method, request.body, answer, streamed), answer, reply)
        self._deadlines.watch(run, invocation.deadline)
        try:
            await run.call(self._app, scope)
        finally:
            self._deadlines.stop(run)
            if logged is not None:
                logged.log()
        if run.expired or reply.state is ReplyState.BROKEN:
            # The application was kept from finishing.
            await close_generators()
        if invocation.background:
            await settle(invocation, run.stop_at)

    async def _handle_websocket(self, invocation: Invocation, reply: Reply, source: WebSocketApi, event: Event) -> None:
        """Hand a WebSocket event on to its handler, which is made with the first of them: its imports take 200 ms."""
        if self._websockets is None:
            from everloop.handlers.websocket import WebSocketHandler

            try:
                self._websockets = WebSocketHandler(
                    self._app,
                    self._state,
                    store=self._websocket_store,
                    deadlines=self._deadlines,
                )
            except InvocationError as error:
                logger.error("%s: %s", error.error_type, error)
                reply.fail(ErrorReport.of(error))
                return
        await self._websockets.handle(invocation, reply, source, event)


class _Run(Stoppable):
    """One call of the application, and what becomes of it."""

    __slots__ = ("_answer", "_cycle", "_reply", "_task")

    def __init__(self, cycle: RequestCycle, answer: Answer, reply: Reply) -> None:
        self._cycle = cycle
        self._answer = answer
        self._reply = reply
        self._task: asyncio.Task[None] | None = asyncio.current_task()
        reply.on_broken = cycle.cut

    async def call(self, app: Application, scope: dict[str, Any]) -> None:
        """Call the application in this task and see to the answer that it leaves behind.

        Raises `ApplicationExit`, and `CancelledError` when the process is shutting down.
        """
        cycle = self._cycle
        try:
            await app(scope, cycle.receive, cycle.send)
        except asyncio.CancelledError as error:
            if self.expired:
                self._fail_by_deadline()
            elif self._task is not None and self._task.cancelling():
                self._replace(
                    503, "Service Unavailable", ShutDown("The process was shut down before the response was complete")
                )
                raise
            else:
                self._failed(error)
        except SystemExit as error:
            self._log("The application raised SystemExit: the process shuts down", error)
            if self._unanswered:
                cycle.cut()
                self._reply.fail(ErrorReport.of(error))
            raise ApplicationExit(exit_code(error)) from error
        except BaseException as error:  # noqa: BLE001 - whatever the application raises, the process lives on
            self._failed(error)
        else:
            if cycle.state is CycleState.COMPLETE:
                return  # as nearly every call ends
            if self.expired:
                self._fail_by_deadline()
            elif self._unanswered:
                self._incomplete()

    # The three steps of the deadline.

    def deadline_near(self) -> bool:
        """Send http.disconnect to an application that has not answered yet."""
        if self._cycle.delivered:
            return False
        self._cycle.disconnect()
        return True

    def deadline_cancel(self) -> None:
        """Cancel the application; it can no longer send."""
        self._cycle.cut()
        if self._task is not None:
            self._task.cancel()

    def deadline_abandon(self) -> None:
        """Answer, and let the slot poll while the application goes on by itself."""
        self._fail_by_deadline()
        # Also where the client has its answer: an endless body for a HEAD request would otherwise go on for ever.
        self._cycle.cut()
        self._reply.release()

    @property
    def _unanswered(self) -> bool:
        """True while the client waits for an answer and can still get one."""
        return not self._cycle.delivered and self._reply.state in UNDER_WAY

    def _fail_by_deadline(self) -> None:
        if self._cycle.delivered or self._reply.state not in UNDER_WAY:
            return
        error = DeadlineExceeded(
            "The deadline came near before the response was complete. Raise the function's timeout, or do less."
        )
        logger.error("%s: %s", error.error_type, error)
        self._cycle.cut()
        self._answer.replace(504, "Gateway Timeout", ErrorReport.of(error))

    def _failed(self, error: BaseException) -> None:
        self._log("The application raised", error)
        if self.expired:
            self._fail_by_deadline()
        else:
            self._replace(500, "Internal Server Error", error)

    def _incomplete(self) -> None:
        state = self._cycle.state
        error = IncompleteResponse(
            f"The application returned before it had completed its response (state {state.name}: {_LACKING[state]})"
        )
        logger.error("%s", error)
        self._replace(500, "Internal Server Error", error)

    def _log(self, what: str, error: BaseException) -> None:
        after = " after its response was complete; the response stands" if self._cycle.delivered else ""
        logger.error("%s%s", what, after, exc_info=error)

    def _replace(self, status: int, text: str, error: BaseException) -> None:
        """Give the answer that stands for a failure, unless there is one."""
        if self._unanswered:
            self._cycle.cut()
            self._answer.replace(status, text, ErrorReport.of(error))


_LACKING = {
    CycleState.REQUEST: "nothing was sent",
    CycleState.HEAD: "http.response.start was sent and no http.response.body",
    CycleState.BODY: "no http.response.body without more_body was sent",
}
