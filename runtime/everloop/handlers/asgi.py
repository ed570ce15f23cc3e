"""ASGI applications: an invocation in, one request cycle, an answer out."""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from everloop.api.promptness import Habits
from everloop.api.reply import Reply, ReplyState
from everloop.asgi.cycle import CycleState
from everloop.asgi.scope import build_scope
from everloop.asgi.types import Application, Scope
from everloop.background import settle
from everloop.errors import InvocationError, UnknownEvent
from everloop.failures import log_failure
from everloop.handlers.access import LoggedAnswer
from everloop.handlers.answers import StreamedAnswer
from everloop.handlers.asgi_run import AsgiRun
from everloop.handlers.base import InvocationHandler, done
from everloop.handlers.deadline import Deadlines
from everloop.handlers.front import Front
from everloop.handlers.generators import close_generators
from everloop.invocation import Invocation
from everloop.report import ErrorReport
from everloop.sources.base import Event
from everloop.sources.websocket import WebSocketApi

if TYPE_CHECKING:
    from everloop.handlers.websocket import WebSocketHandler

# An attribute of an Enum costs twice as much as a global.
_BROKEN = ReplyState.BROKEN
_COMPLETE = CycleState.COMPLETE


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

    def handle(self, invocation: Invocation, reply: Reply) -> Coroutine[Any, Any, None]:
        """Answer one invocation; what is given is awaited, and ends when the next one may come.

        Raises `ApplicationExit` when the application raised `SystemExit`. No coroutine itself, but gives the one that
        is needed: the application is called a layer less deep.
        """
        try:
            call = self._front.open(invocation, reply)
        except InvocationError as error:
            if self._events is not None and isinstance(error, UnknownEvent):
                return self._events.handle(invocation, reply)
            log_failure(f"{error.error_type}: {error}", error)
            reply.fail(ErrorReport.of(error))
            return done()
        except Exception as error:  # noqa: BLE001 - the user's own sources raise anything
            log_failure("An event source raised", error)
            reply.fail(ErrorReport.of(error))
            return done()
        if not isinstance(call, tuple):
            if call is None:
                return done()
            return self._handle_websocket(invocation, reply, call, invocation.event)
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
        run = AsgiRun(request.method, request.body, answer, streamed, reply)
        self._deadlines.watch(run, invocation.deadline)
        return self._call(run, scope, invocation, reply, logged)

    async def _call(
        self, run: AsgiRun, scope: Scope, invocation: Invocation, reply: Reply, logged: LoggedAnswer | None
    ) -> None:
        """Call the application in this task, see to its answer, and wait for what it wants waited for."""
        try:
            await self._app(scope, run.receive, run.send)
        except BaseException as error:  # noqa: BLE001 - whatever the application raises, the process lives on
            run.raised(error)
        else:
            if run.state is not _COMPLETE:
                run.returned()
        finally:
            self._deadlines.stop(run)
            if logged is not None:
                logged.log()
        if run.expired or reply.state is _BROKEN:
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
                log_failure(f"{error.error_type}: {error}", error)
                reply.fail(ErrorReport.of(error))
                return
        await self._websockets.handle(invocation, reply, source, event)
