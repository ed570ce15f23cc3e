"""One execution environment: a Runtime API, the process that talks to it, and the clock over both."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from everloop.dev.calls import Failure
from everloop.dev.config import FunctionConfig
from everloop.dev.executions import Work
from everloop.dev.journal import LogLine, Record
from everloop.dev.launch import command, variables
from everloop.dev.memory import peak_mb
from everloop.dev.processes import ChildProcess
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
MEMORY_EVERY = 0.1
"""Seconds between two looks at the memory."""
LAST_BYTES = 1.0
"""Seconds in which the connections of a process that has ended should end."""
INIT_LINES = 1000
"""Lines of initialisation that are kept for the first invocation's record."""


class Phase(Enum):
    """Where an environment has got to."""

    STARTING = auto()
    """Its process has not polled yet. Goes to READY or ENDED."""
    SNAPSHOT = auto()
    """SnapStart: initialised, waiting for a call to be restored for. Goes to STARTING."""
    READY = auto()
    """It has polled. Goes to STOPPING or ENDED."""
    STOPPING = auto()
    """It gets no more calls, and its process is being ended. Goes to ENDED."""
    ENDED = auto()
    """Its process is no more."""


@dataclass(frozen=True, slots=True)
class StartFailure:
    """Why an environment did not get to its first poll."""

    error_type: str
    message: str
    """In Lambda's words; the request id comes before it."""
    payload: bytes | None = None
    """What the runtime itself has reported."""


class Owner(Protocol):
    """The function that an environment belongs to."""

    def freed(self, environment: "Environment") -> None:
        """An environment can take a call, or wants to be restored for one."""

    def gone(self, environment: "Environment", failure: "StartFailure | None") -> None:
        """An environment takes no more calls. `failure`: why it did not get to its first poll."""

    def ended(self, environment: "Environment") -> None:
        """Its process is no more."""

    def logged(self, environment: "Environment", line: LogLine, record: Record | None) -> None:
        """A process has written a line. `record` is the invocation that it belongs to, as far as one can tell."""


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
        self._server: asyncio.Server | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._began = time.time()
        self._failure: StartFailure | None = None
        self._exit: str | None = None  # how the process has ended
        self._init_lines: list[LogLine] = []
        self._record: Record | None = None  # of the invocation that came last
        self._frozen = False
        self._memory: tuple[float, float | None] = (0.0, None)
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
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._api.made, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        if self.phase is not Phase.STARTING:  # stopped meanwhile
            self._close()
            return
        env = variables(self.config, self.address, self._api.metadata.token, os.environ)
        arguments = command(self.config)
        self._began = time.time()
        try:
            await self._process.start(arguments, env, self.config.task_root)
        except OSError as error:
            self._cannot_start(arguments, error)
            return
        limit = self.config.init_timeout
        if self.config.max_concurrency is not None or self.config.snapstart:
            limit = max(limit, LONG_INIT, self.config.timeout)
        self._after(limit, self._init_timed_out, limit)

    def deliver(self, work: Work) -> None:
        """Hand a call over; the environment must be free."""
        self._thaw()
        record = work.record
        record.environment = self.number
        record.started_at = time.time()
        self._first_record(record)
        self._record = record
        work.timer = asyncio.get_running_loop().call_later(self.config.timeout, self._timed_out, work)
        self._api.deliver(work)

    def restore(self) -> None:
        """SnapStart: let the runtime go on as if restored, because there is a call for it."""
        if self.phase is Phase.SNAPSHOT:
            self.phase = Phase.STARTING
            self._thaw()
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

    def fail_first(self, work: Work, failure: "StartFailure") -> None:
        """Fail a call that waited for this environment, which did not get ready."""
        work.record.environment = self.number
        self._first_record(work.record)
        self._record = work.record
        if failure.payload is None:
            work.fail_with(Failure.INIT, failure.error_type, failure.message)
        else:
            work.fail(Failure.INIT, failure.error_type, failure.payload)
        work.finish(self._peak())

    # What the Runtime API tells.

    def polled(self) -> None:
        """The runtime waits for an event."""
        if self.phase is Phase.STARTING and self._failure is None:
            self.phase = Phase.READY
            self.init_seconds = (self.init_seconds or 0) + time.time() - self._began
            self._cancel_timers()
        self._idle()

    def finished(self, work: Work) -> None:
        """The runtime has polled again after an invocation, or can be expected to."""
        self._stop_clock(work)
        if not work.done:
            self._truncate(work)
        work.finish(self._peak())

    def truncated(self, work: Work) -> None:
        """The connection ended within a response: see whether the process has ended, too."""
        if work.done:
            return
        if self.phase is Phase.ENDED:  # and its caller was slow to read what had come before
            work.fail_with(Failure.EXIT, "Runtime.ExitError", self._exit or "")
            work.finish(self._peak())
        else:
            asyncio.get_running_loop().call_later(TRUNCATION_PATIENCE, self._truncate, work)

    def initialisation_failed(self, error_type: str, payload: bytes) -> None:
        """Keep the reason; the process should exit by itself now."""
        self._failure = StartFailure(error_type, "", payload)
        self._after(EXIT_PATIENCE, self._process.signal, signal.SIGKILL)

    def restorable(self) -> None:
        """The runtime waits to be restored."""
        self.phase = Phase.SNAPSHOT
        self.init_seconds = time.time() - self._began
        self._cancel_timers()
        self._idle()

    def settled(self) -> None:
        """An extension waits for its next event: perhaps all is quiet now."""
        if self.phase in (Phase.READY, Phase.SNAPSHOT):
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
            work.finish(self._peak())
            self._end()

    def _truncate(self, work: Work) -> None:
        if not work.done:
            message = "The runtime broke its response off"
            work.fail_with(Failure.TRUNCATED, "Runtime.TruncatedResponse", message)

    # What the process tells.

    def _line(self, stream: str, text: str) -> None:
        line = LogLine(time.time(), stream, text)
        record = self._record
        if self.config.max_concurrency is not None:
            running = [work.record for work in self._api.running.values()]
            record = next((one for one in running if one.request_id in text), running[0] if len(running) == 1 else None)
        if record is not None:
            record.logs.append(line)
        elif self.phase in (Phase.STARTING, Phase.SNAPSHOT) and len(self._init_lines) < INIT_LINES:
            self._init_lines.append(line)
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

    def _over(self) -> None:
        """Tell everybody of the end. A response whose caller is slow may still be in the socket: that is read on."""
        before, self.phase = self.phase, Phase.ENDED
        if before is Phase.ENDED:
            return
        self._cancel_timers()
        for work in self.running:
            if before is Phase.READY and (not work.responding or work.answered):
                work.fail_with(Failure.EXIT, "Runtime.ExitError", self._exit or "")
            self._stop_clock(work)
            if work.done:
                work.finish(self._peak())
        if before in (Phase.STARTING, Phase.SNAPSHOT):
            self._owner.gone(self, self._failure or StartFailure("Runtime.ExitError", self._exit or ""))
        elif before is Phase.READY:
            self._owner.gone(self, None)
        self._close()

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        if not self._ended.done():
            self._ended.set_result(None)
            self.phase = Phase.ENDED
            self._owner.ended(self)

    # What several of these need.

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
        if quiet and not self._frozen and self.phase in (Phase.READY, Phase.SNAPSHOT):
            self._frozen = True
            self._process.signal(signal.SIGSTOP)

    def _thaw(self) -> None:
        if self._frozen:
            self._frozen = False
            self._process.signal(signal.SIGCONT)

    def _end(self) -> None:
        """End the process as Lambda does: with SIGTERM first only where an extension is registered."""
        if self.phase in (Phase.STOPPING, Phase.ENDED):
            return
        failed = self._failure if self.phase in (Phase.STARTING, Phase.SNAPSHOT) else None
        self.phase = Phase.STOPPING
        self._cancel_timers()
        self._owner.gone(self, failed)
        self._thaw()
        if not self._process.pid:
            self._close()
        elif self._api.extensions.registered:
            self._process.signal(signal.SIGTERM)
            self._after(GRACE, self._process.signal, signal.SIGKILL)
        else:
            self._process.signal(signal.SIGKILL)

    def _cannot_start(self, arguments: tuple[str, ...], error: OSError) -> None:
        message = f"{arguments[0]} cannot be started in {self.config.task_root}: {error.strerror or error}"
        self._failure = StartFailure("Runtime.InvalidEntrypoint", message)
        self._end()

    def _first_record(self, record: Record) -> None:
        """Give the first invocation the story of the start."""
        if self._record is None:
            record.init_seconds = self.init_seconds
            record.logs += self._init_lines
            self._init_lines = []

    def _stop_clock(self, work: Work) -> None:
        if work.timer is not None:
            work.timer.cancel()

    def _peak(self) -> float | None:
        at, peak = self._memory
        now = time.monotonic()
        if now - at > MEMORY_EVERY:
            peak = peak_mb(self._process.pid) or peak
            self._memory = (now, peak)
        return peak

    def _after(self, seconds: float, what: Callable[..., None], *arguments: object) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, what, *arguments))

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


def describe_exit(code: int) -> str:
    """Say how a process has ended, as Lambda does."""
    if code == 0:
        return "Runtime exited without providing a reason"
    how = f"exit status {code}" if code > 0 else f"signal: {signal.strsignal(-code) or -code}".lower()
    return f"Runtime exited with error: {how}"
