"""ASGI applications: an invocation in, one request cycle, an answer out."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from everloop.api.promptness import Habits
from everloop.api.reply import UNDER_WAY, Reply
from everloop.asgi.cycle import CycleState, RequestCycle
from everloop.asgi.scope import build_scope
from everloop.asgi.types import Application
from everloop.background import settle
from everloop.errors import DeadlineExceeded, IncompleteResponse, InvocationError, ShutDown
from everloop.handlers.access import LoggedAnswer
from everloop.handlers.answers import Answer, BufferedAnswer, StreamedAnswer
from everloop.handlers.base import ApplicationExit
from everloop.handlers.deadline import Deadlines, DeadlineWatch, time_before_stop
from everloop.invocation import Invocation
from everloop.report import ErrorReport
from everloop.sources.base import Event, EventSource
from everloop.sources.body import TextTypes
from everloop.sources.mount import mount
from everloop.sources.registry import BUILT_IN, Source, select
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
        *,
        streaming: bool,
        base_path: str = "",
        text_types: Collection[str] = (),
        error_statuses: Collection[int] = (),
        deadline_margin: float = 0.25,
        access_log: bool = False,
        websocket_store: str = "memory",
        sources: Sequence[Source] = BUILT_IN,
    ) -> None:
        self._app = app
        self._state = state
        self._streaming = streaming
        self._base_path = base_path
        self._text_types = TextTypes(text_types)
        self._error_statuses = frozenset(error_statuses)
        self._margin = deadline_margin
        self._deadlines = Deadlines(asyncio.get_event_loop())
        self._habits = Habits()
        self._access_log = access_log
        self._sources = sources
        self._websocket_store = websocket_store
        self._websockets: WebSocketHandler | None = None
        self._warned: set[str] = set()

    async def handle(self, invocation: Invocation, reply: Reply) -> None:
        """Answer one invocation; return when the next one may come.

        Raises `ApplicationExit` when the application raised `SystemExit`.
        """
        try:
            event = invocation.event
            source = select(event, self._sources)
            if not isinstance(source, WebSocketApi):
                request = source.decode(event)
        except InvocationError as error:
            logger.error("%s: %s", error.error_type, error)
            reply.fail(ErrorReport.of(error))
            return
        except Exception as error:
            logger.error("An event source raised", exc_info=error)
            reply.fail(ErrorReport.of(error))
            return
        if isinstance(source, WebSocketApi):
            await self._handle_websocket(invocation, reply, source, event)
            return
        if self._base_path:
            mount(request, self._base_path)
        reply.habit = self._habits.of((request.method, request.path))
        scope = build_scope(request, self._state)
        scope["aws.event"] = event
        scope["aws.context"] = invocation.context
        if self._streaming and source.streams:
            answer: Answer = StreamedAnswer(reply, source, self._error_statuses)
        else:
            if self._streaming:
                self._warn_buffered(source)
            answer = BufferedAnswer(reply, source, event, self._text_types, self._error_statuses)
        logged = None
        if self._access_log:
            answer = logged = LoggedAnswer(answer, request)
        run = _Run(RequestCycle(request.method, request.body, answer), answer, reply)
        seconds = time_before_stop(invocation.remaining(), self._margin)
        watch = None
        if seconds is not None:
            watch = run.watch = self._deadlines.watch(run, seconds)
        try:
            await run.call(self._app, scope)
        finally:
            if watch is not None:
                watch.stop()
            if logged is not None:
                logged.log()
        if invocation.background:
            await settle(invocation, None if watch is None else watch.stop_at)

    async def _handle_websocket(self, invocation: Invocation, reply: Reply, source: WebSocketApi, event: Event) -> None:
        """Hand a WebSocket event on to its handler, which is made with the first of them: its imports take 200 ms."""
        if self._websockets is None:
            from everloop.handlers.websocket import WebSocketHandler

            try:
                self._websockets = WebSocketHandler(
                    self._app,
                    self._state,
                    store=self._websocket_store,
                    deadline_margin=self._margin,
                    deadlines=self._deadlines,
                )
            except InvocationError as error:
                logger.error("%s: %s", error.error_type, error)
                reply.fail(ErrorReport.of(error))
                return
        await self._websockets.handle(invocation, reply, source, event)

    def _warn_buffered(self, source: EventSource) -> None:
        if source.name not in self._warned:
            self._warned.add(source.name)
            logger.warning(
                "EVERLOOP_RESPONSE_MODE is streaming, but %s cannot stream: its responses are buffered", source.name
            )


class _Run:
    """One call of the application, and what becomes of it."""

    __slots__ = ("_answer", "_cycle", "_reply", "_task", "watch")

    def __init__(self, cycle: RequestCycle, answer: Answer, reply: Reply) -> None:
        self._cycle = cycle
        self._answer = answer
        self._reply = reply
        self._task: asyncio.Task[None] | None = asyncio.current_task()
        self.watch: DeadlineWatch | None = None
        reply.on_broken = cycle.cut

    async def call(self, app: Application, scope: dict[str, Any]) -> None:
        """Call the application in this task and see to the answer that it leaves behind.

        Raises `ApplicationExit`, and `CancelledError` when the process is shutting down.
        """
        cycle = self._cycle
        try:
            await app(scope, cycle.receive, cycle.send)
        except asyncio.CancelledError as error:
            if self._expired:
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
            if self._expired:
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
        self._reply.release()

    @property
    def _expired(self) -> bool:
        return self.watch is not None and self.watch.expired

    def _deadline_near(self) -> bool:
        """Tell the application; False when there is nothing left that it could do for the client."""
        if self._cycle.delivered:
            return False
        self._cycle.disconnect()
        return True

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
        if self._expired:
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


def exit_code(error: SystemExit) -> int:
    """Give the exit code that the interpreter would give."""
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1
