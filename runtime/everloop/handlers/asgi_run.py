"""One call of an ASGI application, and what becomes of it."""

import asyncio

from everloop.api.reply import UNDER_WAY, Reply
from everloop.asgi.cycle import CycleState, RequestCycle
from everloop.errors import ClientDisconnected, DeadlineExceeded, IncompleteResponse, ShutDown
from everloop.failures import log_failure
from everloop.handlers.answers import Answer, replace
from everloop.handlers.base import ApplicationExit, exit_code, is_shut_down
from everloop.invocation import Invocation
from everloop.report import ErrorReport
from everloop.signals import leave_if_forked


class AsgiRun(RequestCycle):
    """A request cycle that belongs to an invocation: watched over until its deadline, answered whatever happens.

    It is the cycle, and `Stoppable`, instead of having them: each object for an invocation costs half a percent.
    """

    __slots__ = ("_answer", "_reply", "_task", "expired", "stop_at")

    stop_at: float | None
    expired: bool

    def __init__(self, method: str, body: bytes, answer: Answer, streamed: bool, reply: Reply) -> None:
        RequestCycle.__init__(self, method, body, answer, streamed)
        self._answer = answer
        self._reply = reply
        self._task: asyncio.Task[None] | None = asyncio.current_task()
        reply.on_broken = self.cut

    def raised(self, error: BaseException) -> None:
        """See to the answer after an exception.

        Raises `ApplicationExit` for `SystemExit`, and `CancelledError` when the process is shutting down.
        """
        leave_if_forked(error)
        if isinstance(error, asyncio.CancelledError):
            if self.expired:
                self._fail_by_deadline()
            elif is_shut_down(self._task):
                self._replace(
                    503, "Service Unavailable", ShutDown("The process was shut down before the response was complete")
                )
                raise error
            else:
                self._failed(error)
        elif isinstance(error, SystemExit):
            self._log("The application raised SystemExit: the process shuts down", error)
            if self._unanswered:
                self.cut()
                self._reply.fail(ErrorReport.of(error))
            raise ApplicationExit(exit_code(error)) from error
        else:
            self._failed(error)

    def returned(self) -> None:
        """See to the answer of an application that left none behind."""
        if self.expired:
            self._fail_by_deadline()
        elif self._unanswered:
            self._incomplete()

    # The three steps of the deadline.

    @property
    def invocation(self) -> Invocation:
        """What it works on."""
        return self._reply.invocation

    def deadline_near(self) -> bool:
        """Send http.disconnect to an application that has not answered yet."""
        if self.delivered:
            return False
        self.disconnect()
        return True

    def deadline_cancel(self) -> None:
        """Cancel the application; it can no longer send."""
        self.cut()
        if self._task is not None:
            self._task.cancel()

    def deadline_abandon(self) -> None:
        """Answer, and let the slot poll while the application goes on by itself."""
        self._fail_by_deadline()
        # Also where the client has its answer: an endless body for a HEAD request would otherwise go on for ever.
        self.cut()
        self._reply.release()

    @property
    def _unanswered(self) -> bool:
        """True while the client waits for an answer and can still get one."""
        return not self.delivered and self._reply.state in UNDER_WAY

    def _fail_by_deadline(self) -> None:
        if self.delivered or self._reply.state not in UNDER_WAY:
            return
        error = DeadlineExceeded(
            "The deadline came near before the response was complete. Raise the function's timeout, or do less."
        )
        log_failure(f"{error.error_type}: {error}", error)
        self.cut()
        replace(self._answer, self._reply, 504, "Gateway Timeout", error)

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, ClientDisconnected) and self._reply.broken:
            return  # the connection has told it already
        self._log("The application raised", error)
        if self.expired:
            self._fail_by_deadline()
        else:
            self._replace(500, "Internal Server Error", error)

    def _incomplete(self) -> None:
        state = self.state
        lacking = _LACKING[state] + (_KEPT_BACK if self._streamed and state is not CycleState.BODY else "")
        error = IncompleteResponse(
            f"The application returned before it had completed its response (state {state.name}: {lacking})"
        )
        log_failure(str(error), error)
        self._replace(500, "Internal Server Error", error)

    def _log(self, what: str, error: BaseException) -> None:
        after = " after its response was complete; the response stands" if self.delivered else ""
        log_failure(what + after, error)

    def _replace(self, status: int, text: str, error: BaseException) -> None:
        """Give the answer that stands for a failure, unless there is one."""
        if self._unanswered:
            self.cut()
            replace(self._answer, self._reply, status, text, error)


_LACKING = {
    CycleState.REQUEST: "nothing was sent",
    CycleState.HEAD: "http.response.start was sent and no http.response.body",
    CycleState.BODY: "no http.response.body without more_body was sent",
}

_KEPT_BACK = "; if it was a file, a middleware may not know http.response.pathsend: see docs/streaming.md"
"""The usual cause where files are sent by their names."""
