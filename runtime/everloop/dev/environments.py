"""One execution environment: a Runtime API, the process that talks to it, and the clock over both."""

import asyncio
import os
import signal
import time
from collections.abc import Callable

from everloop.dev.calls import Failure
from everloop.dev.config import FunctionConfig
from everloop.dev.environment_states import Owner, Phase, StartFailure
from everloop.dev.executions import Work
from everloop.dev.launch import command, variables
from everloop.dev.log_book import LogBook
from everloop.dev.memory import MemoryGauge
from everloop.dev.processes import ChildProcess, describe_exit
from everloop.dev.runtime_api import RuntimeApi

GRACE = 0.5
"""Seconds between SIGTERM and SIGKILL."""
EXIT_PATIENCE = 1.0
"""Seconds that a runtime may live on after it has reported that it cannot start."""
TRUNCATION_PATIENCE = 0.5
"""Seconds in which the end of a process may explain the end of its connection."""
LONG_INIT = 130.0
"""Seconds that initialisation may take at least on Managed Instances and before a snapshot."""
RESTORE_TIMEOUT = 10.0
"""Seconds that the runtime may take from its restore to its first poll."""
LAST_BYTES = 1.0
"""Seconds in which the connections of a process that has ended should end."""


class Environment:
    """Lives until its process ends, its function's timeout ends it, or `retire()` or `stop()` do."""

    def __init__(self, number: int, config: FunctionConfig, owner: Owner) -> None:
        self.number = number
        self.config = config
        self.phase = Phase.STARTING
        self.retiring = False
        """True: it gets no more calls and ends when it has done those that it has."""
        self.address = ""
        """Of its Runtime API, `host:port`."""
        self.init_seconds: float | None = None
        self._owner = owner
        self._api = RuntimeApi(config, self)
        self._process = ChildProcess(self._line, self._exited)
        self._timers: list[asyncio.TimerHandle] = []
        self._began = time.time()
        self._failure: StartFailure | None = None
        self._exit: str | None = None  # how the process has ended
        self._logs = LogBook(side_by_side=config.max_concurrency is not None)
        self._memory = MemoryGauge()
        self._unsettled: Work | None = None  # answered, with an extension still at work
        self._ended = asyncio.get_running_loop().create_future()

    @property
    def free(self) -> bool:
        """True when it can take a call now."""
        return self.phase is Phase.READY and not self.retiring and self._api.free

    @property
    def open(self) -> bool:
        """True while calls may come to it, now or later."""
        return not self.retiring and self.phase in (Phase.STARTING, Phase.SNAPSHOT, Phase.READY)

    @property
    def pid(self) -> int:
        """Of its process; 0 before that has started."""
        return self._process.pid

    @property
    def running(self) -> tuple[Work, ...]:
        """The invocations that it works on, background work after the response included."""
        return tuple(self._api.running.values())

    # What the function says.

    async def start(self) -> None:
        """Start its process. What goes wrong is told to the owner."""
        self.address = await self._api.listen()
        if self.phase is not Phase.STARTING:  # stopped meanwhile
            self._close()
            return
        env = variables(self.config, self.address, self._api.metadata.token, os.environ)
        arguments = command(self.config)
        self._began = time.time()
        try:
            await self._process.start(arguments, env, self.config.task_root)
        except (OSError, ValueError) as error:  # ValueError: a NUL in a variable
            self._cannot_start(arguments, error)
            return
        if self.phase is not Phase.STARTING:
            return
        limit = self.config.init_timeout
        if self.config.max_concurrency is not None or self.config.snapstart:
            limit = max(limit, LONG_INIT, self.config.timeout)
        self._after(limit, self._init_timed_out, limit)

    def deliver(self, work: Work) -> None:
        """Hand a call over; the environment must be free."""
        self._process.thaw()
        record = work.record
        record.environment = self.number
        record.started_at = time.time()
        self._logs.turn_to(record, self.init_seconds)
        work.timer = asyncio.get_running_loop().call_later(self.config.timeout, self._timed_out, work)
        self._api.deliver(work)

    def restore(self) -> None:
        """SnapStart: let the runtime go on as if restored, because there is a call for it."""
        if self.phase is Phase.SNAPSHOT:
            self.phase = Phase.STARTING
            self._process.thaw()
            self._began = time.time()
            self._after(RESTORE_TIMEOUT, self._restore_timed_out)
            self._api.restore()

    def retire(self) -> None:
        """Take no more calls, and end when those at work are done."""
        self.retiring = True
        if not self._api.running:
            self._end()

    async def stop(self) -> None:
        """End now; what is at work fails."""
        for work in self.running:
            if not work.done:
                work.fail_with(Failure.SHUTDOWN, "Client.ExecutionEnvironmentShutDown", "everloop dev is stopping")
        self._end()
        await self._ended

    def kill(self) -> None:
        """End its processes without waiting for that."""
        self._process.signal(signal.SIGKILL)

    def fail_first(self, work: Work, failure: StartFailure) -> None:
        """Fail a call that waited for this environment, which did not get ready."""
        work.record.environment = self.number
        self._logs.turn_to(work.record, self.init_seconds)
        if failure.payload is None:
            work.fail_with(Failure.INIT, failure.error_type, failure.message)
        else:
            work.fail(Failure.INIT, failure.error_type, failure.payload)
        self._finish(work)

    # What the Runtime API tells.

    def polled(self) -> None:
        """The runtime waits for an event."""
        self._settle()

    def finished(self, work: Work) -> None:
        """The runtime has polled again after an invocation, or can be expected to."""
        if self._api.extensions.all_parked:
            work.stop_clock()
        else:
            self._unsettled = work  # its time runs on until the extensions are done, too
        if not work.done:
            self._truncate(work)
        self._finish(work)

    def settled(self) -> None:
        """Something that was at work is no more: perhaps all is quiet now."""
        if self._unsettled is not None and self._api.extensions.all_parked:
            self._unsettled.stop_clock()
            self._unsettled = None
        if self.phase in (Phase.STARTING, Phase.SNAPSHOT, Phase.READY):
            self._settle()

    def truncated(self, work: Work) -> None:
        """The connection ended within a response: see whether the process has ended, too."""
        if work.done:
            return
        if self.phase is Phase.ENDED:  # and its caller was slow to read what had come before
            work.fail_with(Failure.EXIT, "Runtime.ExitError", self._exit or "")
            self._finish(work)
        else:
            asyncio.get_running_loop().call_later(TRUNCATION_PATIENCE, self._truncate, work)

    def initialisation_failed(self, error_type: str, payload: bytes) -> None:
        """Keep the reason; the process should exit by itself now."""
        self._cancel_timers()
        self._failure = StartFailure(error_type, "", payload)
        self._after(EXIT_PATIENCE, self._process.signal, signal.SIGKILL)

    def restorable(self) -> None:
        """The runtime waits to be restored."""
        self.phase = Phase.SNAPSHOT
        self.init_seconds = time.time() - self._began
        self._cancel_timers()
        self._idle()

    # What the clock tells.

    def _init_timed_out(self, limit: float) -> None:
        self._failure = StartFailure("Sandbox.Timedout", f"Task timed out after {limit:.2f} seconds")
        self._end()

    def _restore_timed_out(self) -> None:
        message = f"Restoring took longer than {RESTORE_TIMEOUT:.0f} seconds"
        self._failure = StartFailure("SnapStartTimeoutException", message)
        self._end()

    def _timed_out(self, work: Work) -> None:
        message = f"Task timed out after {self.config.timeout:.2f} seconds"
        work.fail_with(Failure.TIMEOUT, "Sandbox.Timedout", message)
        if self.config.max_concurrency is None:
            self._finish(work)
            self._end()

    def _truncate(self, work: Work) -> None:
        if not work.done:
            message = "The runtime broke its response off"
            work.fail_with(Failure.TRUNCATED, "Runtime.TruncatedResponse", message)

    # What the process tells.

    def _line(self, stream: str, text: str) -> None:
        line, record = self._logs.keep(stream, text, self.running)
        self._owner.logged(self, line, record)

    def _exited(self, code: int) -> None:
        self._exit = describe_exit(code)
        if self._api.connections:
            self._after(LAST_BYTES, self._over)
        else:
            self._over()

    def disconnected(self) -> None:
        """The last connection has ended: after the process's end, nothing more can come."""
        if self._exit is not None:
            self._over()
            for work in self.running:
                if work.done:  # its last piece was read only now
                    self._finish(work)

    def _over(self) -> None:
        """Tell everybody of the end. A response whose caller is slow may still be in the socket: that is read on."""
        before, self.phase = self.phase, Phase.ENDED
        if before is Phase.ENDED:
            return
        self._cancel_timers()
        for work in self.running:
            if before is Phase.READY and (not work.responding or work.answered):
                work.fail_with(Failure.EXIT, "Runtime.ExitError", self._exit or "")
            work.stop_clock()
            if work.done:
                self._finish(work)
        if before in (Phase.STARTING, Phase.SNAPSHOT):
            self._owner.gone(self, self._failure or StartFailure("Runtime.ExitError", self._exit or ""))
        elif before is Phase.READY:
            self._owner.gone(self, None)
        self._close()

    def _close(self) -> None:
        self._api.close()
        if not self._ended.done():
            self._ended.set_result(None)
            self.phase = Phase.ENDED
            self._owner.ended(self)

    # What several of these need.

    def _settle(self) -> None:
        """See whether initialisation is complete: the runtime and every extension wait for an event."""
        quiet = bool(self._api.polls) and self._api.extensions.all_parked
        if self.phase is Phase.STARTING and quiet and self._failure is None:
            self.phase = Phase.READY
            self.init_seconds = (self.init_seconds or 0) + time.time() - self._began
            self._cancel_timers()
        self._idle()

    def _idle(self) -> None:
        """Offer what is free to the function; what it does not want is frozen."""
        if self.retiring and not self._api.running:
            self._end()
            return
        self._owner.freed(self)
        if self.config.freeze and self.config.max_concurrency is None:
            asyncio.get_running_loop().call_soon(self._freeze)  # after what is still to be answered

    def _freeze(self) -> None:
        quiet = self._api.free or (self.phase is Phase.SNAPSHOT and self._api.extensions.all_parked)
        if quiet and self.phase in (Phase.READY, Phase.SNAPSHOT):
            self._process.freeze()

    def _end(self) -> None:
        """End the process as Lambda does: with SIGTERM first only where an extension is registered."""
        if self.phase in (Phase.STOPPING, Phase.ENDED):
            return
        failed = self._failure if self.phase in (Phase.STARTING, Phase.SNAPSHOT) else None
        self.phase = Phase.STOPPING
        self._cancel_timers()
        self._owner.gone(self, failed)
        if not self._process.pid:
            self._close()
        elif self._api.extensions.registered:
            self._process.thaw()
            self._process.signal(signal.SIGTERM)
            self._after(GRACE, self._process.signal, signal.SIGKILL)
        else:
            self._process.signal(signal.SIGKILL)

    def _cannot_start(self, arguments: tuple[str, ...], error: OSError | ValueError) -> None:
        reason = getattr(error, "strerror", None) or error
        message = f"{arguments[0]} cannot be started in {self.config.task_root}: {reason}"
        self._failure = StartFailure("Runtime.InvalidEntrypoint", message)
        self._end()

    def _finish(self, work: Work) -> None:
        work.finish(self._memory.peak_mb(self._process.pid))

    def _after(self, seconds: float, what: Callable[..., None], *arguments: object) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, what, *arguments))

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
