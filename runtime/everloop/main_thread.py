"""Serves handlers that block, one invocation at a time, in the main thread and with the loop not running."""

import asyncio
import contextvars
import logging
import threading
from collections.abc import Coroutine, MutableMapping
from typing import Any

from everloop.after_response import hooks, run_hooks
from everloop.api.blocking import BlockingSlot
from everloop.api.reply import UNDER_WAY, Reply
from everloop.background import settle
from everloop.errors import RuntimeApiError, ShutDown
from everloop.failures import log_failure
from everloop.handlers.base import ApplicationExit, BlockingHandler, exit_code
from everloop.handlers.deadline import time_before_stop
from everloop.invocation import Invocation, current, serving
from everloop.report import ErrorReport
from everloop.signals import StopRequested, StopSignals, tell_exit
from everloop.tracing import TraceVariable
from everloop.unwritten import unwritten

logger = logging.getLogger("everloop")


class MainThread:
    """The loop of a process with one slot and a handler that blocks.

    Signals arrive while a handler runs, `asyncio.run()` works in it, and nobody pays for a thread. The event loop runs
    only when there is something for it to do.
    """

    def __init__(
        self,
        handler: BlockingHandler,
        slot: BlockingSlot,
        loop: asyncio.AbstractEventLoop,
        environ: MutableMapping[bytes, bytes],
        signals: StopSignals,
        deadline_margin: float,
        shutdown_timeout: float,
    ) -> None:
        self._handler = handler
        self._slot = slot
        self._loop = loop
        self._trace = TraceVariable(environ)
        self._signals = signals
        self._margin = deadline_margin
        self._shutdown_timeout = shutdown_timeout
        self._stopping = False
        self._reply: Reply | None = None
        """Of the invocation that is being worked on."""
        self._settling: asyncio.Task[None] | None = None
        """What the loop does for an invocation after its answer."""
        self._time_is_up = False
        """True when the shutdown gives work no more time."""

    def serve(self) -> int:
        """Serve until a signal, `SystemExit` or the loss of the Runtime API; give the exit code."""
        self._signals.on_stop = self._stop
        self._slot.on_idle = self._stop_if_asked
        self._stopping = self._signals.requested
        code = 0
        try:
            while not self._stopping:
                invocation, reply = self._slot.next_invocation()
                contextvars.copy_context().run(self._work, invocation, reply)
        except StopRequested:
            pass
        except ApplicationExit as exiting:
            code = exiting.code
        except RuntimeApiError as error:
            logger.critical("The Runtime API is lost, the process ends: %s", error)
            code = 1
        self._stopping = True
        if not self._signals.requested:
            self._signals.limit(code)
        self._slot.close()
        return code

    def _work(self, invocation: Invocation, reply: Reply) -> None:
        current.set(invocation)
        serving.invocation = invocation
        self._reply = reply
        self._trace.export(invocation.trace_header)
        # asyncio.run() in the last invocation took the current loop away with its own.
        asyncio.set_event_loop(self._loop)
        try:
            self._handler.handle(invocation, reply)
        except ApplicationExit:
            raise
        except Exception as error:  # noqa: BLE001 - a mistake in everloop must not end the process
            log_failure("everloop failed; please report this", error)
            if reply.state in UNDER_WAY:
                reply.fail(ErrorReport.of(error))
        self._reply = None
        if reply.cut and reply.state in UNDER_WAY:
            reply.cut = False
            cut = ShutDown("The process was shut down before the response was complete")
            log_failure(f"{cut.error_type}: {cut}", cut)
            reply.fail(ErrorReport.of(cut))
        if invocation.background:
            seconds = time_before_stop(invocation.remaining(), self._margin)
            end = None if seconds is None else self._loop.time() + seconds
            self._settle(settle(invocation, end))
        if hooks:
            self._settle(run_hooks(invocation, time_before_stop(invocation.remaining(), self._margin)))
        if unwritten.pending:
            unwritten.flush()  # with the poll the process may be frozen
        reply.release()

    def _settle(self, work: Coroutine[Any, Any, None]) -> None:
        """Run on the loop what comes after an answer, until it is done or the shutdown gives it no more time.

        Raises `ApplicationExit`.
        """
        self._slot.flush()
        self._settling = task = self._loop.create_task(work)
        if self._time_is_up:
            task.cancel()
        try:
            self._loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        except (SystemExit, KeyboardInterrupt) as error:  # of the work itself: it ends the loop
            tell_exit(error)
            raise ApplicationExit(exit_code(error)) from error
        finally:
            self._settling = None

    def _stop(self) -> None:
        """Stop at a signal: at once while waiting for an event, else when the handler is done."""
        if not self._stopping and self._slot.idle:
            self._stopping = True
            raise StopRequested
        self._stopping = True
        if self._reply is not None or self._settling is not None:
            # Work gets half of the time. Then what the loop runs is cancelled, and what streams ends with its next
            # piece; nothing else can be stopped.
            timer = threading.Timer(self._shutdown_timeout / 2, self._cut)
            timer.daemon = True
            timer.start()

    def _stop_if_asked(self) -> None:
        """Stop at a signal that came between the last look and the wait for an event."""
        if self._stopping:
            raise StopRequested

    def _cut(self) -> None:
        """Let what streams end with its next piece, and cancel the rest. Called in a thread of its own."""
        self._time_is_up = True
        settling = self._settling
        if settling is not None:
            self._loop.call_soon_threadsafe(settling.cancel)
        reply = self._reply
        if reply is None:
            return
        reply.cut = True
        on_broken = reply.on_broken
        if on_broken is None:
            return
        if self._loop.is_running():
            self._loop.call_soon_threadsafe(on_broken)
        else:
            on_broken()
