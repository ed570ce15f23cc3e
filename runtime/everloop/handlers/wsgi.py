"""WSGI applications: an invocation in, one call, an answer out."""

from everloop.api.promptness import Habits
from everloop.api.reply import UNDER_WAY, Reply, ReplyState
from everloop.errors import ClientDisconnected, DeadlineExceeded, InvocationError, UnknownEvent
from everloop.failures import log_failure
from everloop.handlers.access import LoggedAnswer
from everloop.handlers.answers import Answer, StreamedAnswer, replace
from everloop.handlers.base import ApplicationExit, BlockingHandler, exit_code
from everloop.handlers.front import Front
from everloop.invocation import Invocation
from everloop.report import ErrorReport
from everloop.signals import leave_if_forked
from everloop.wsgi.cycle import Application, WsgiCycle, WsgiState
from everloop.wsgi.environ import build_environ


class WsgiHandler:
    """Gives every invocation to one WSGI application, in the thread that it is called in itself."""

    def __init__(
        self,
        app: Application,
        front: Front,
        *,
        multithread: bool,
        access_log: bool = False,
        events: BlockingHandler | None = None,
    ) -> None:
        """`events` gets what is not HTTP, where it does not go to the application."""
        self._app = app
        self._front = front
        self._multithread = multithread
        self._access_log = access_log
        self._habits = Habits()
        self._events = events

    def handle(self, invocation: Invocation, reply: Reply) -> None:
        """Answer one invocation. Raises `ApplicationExit`."""
        try:
            call = self._front.open(invocation, reply)
        except InvocationError as error:
            if self._events is not None and isinstance(error, UnknownEvent):
                self._events.handle(invocation, reply)
            else:
                log_failure(f"{error.error_type}: {error}", error)
                reply.fail(ErrorReport.of(error))
            return
        except Exception as error:  # noqa: BLE001 - the user's own sources raise anything
            log_failure("An event source raised", error)
            reply.fail(ErrorReport.of(error))
            return
        if not isinstance(call, tuple):
            return
        request, answer, event = call
        reply.habit = self._habits.of((request.method, request.path))
        environ = build_environ(request, multithread=self._multithread)
        environ["aws.event"] = event
        environ["aws.context"] = invocation.context
        joined = not isinstance(answer, StreamedAnswer)
        logged = None
        if self._access_log:
            answer = logged = LoggedAnswer(answer, request)
        cycle = WsgiCycle(request.method, answer, joined=joined)
        reply.on_broken = cycle.cut
        try:
            cycle.run(self._app, environ)
        except SystemExit as error:
            leave_if_forked(error)
            log_failure("The application raised SystemExit: the process shuts down", error)
            if reply.state in UNDER_WAY:
                reply.fail(ErrorReport.of(error))
            raise ApplicationExit(exit_code(error)) from error
        except BaseException as error:  # noqa: BLE001 - whatever the application raises, the process lives on
            failed(cycle, answer, reply, error)
        finally:
            if logged is not None:
                logged.log()

    def expire(self, invocation: Invocation, reply: Reply, error: DeadlineExceeded) -> None:
        """Answer 504 in the place of an application that did not return in time, or end its stream."""
        try:
            call = self._front.open(invocation, reply)
        except UnknownEvent:
            if self._events is not None:
                self._events.expire(invocation, reply, error)
            return
        if reply.state in UNDER_WAY:
            if isinstance(call, tuple):
                _replace(call[1], reply, 504, "Gateway Timeout", error)
            else:
                reply.fail(ErrorReport.of(error))


def failed(cycle: WsgiCycle, answer: Answer, reply: Reply, error: BaseException) -> None:
    """Log what the application raised, and answer 500 unless the response is out."""
    leave_if_forked(error)
    if isinstance(error, ClientDisconnected) and reply.broken:
        return  # the connection has told it already
    after = " after its response was complete; the response stands" if cycle.state is WsgiState.COMPLETE else ""
    log_failure(f"The application raised{after}", error)
    if cycle.state is not WsgiState.COMPLETE and reply.state in UNDER_WAY:
        _replace(answer, reply, 500, "Internal Server Error", error)


def _replace(answer: Answer, reply: Reply, status: int, text: str, error: BaseException) -> None:
    if reply.state is not ReplyState.PENDING:
        reply.fail(ErrorReport.of(error))
    else:
        replace(answer, reply, status, text, error)
