"""The emulated function: a queue of calls, and the environments that work on them."""

import asyncio
import itertools
import time
import uuid
from collections import deque
from collections.abc import Callable

import orjson

from everloop.dev.bandwidth import TokenBucket
from everloop.dev.calls import Call, CallFailed, Failure
from everloop.dev.config import FunctionConfig
from everloop.dev.environment_states import Phase, StartFailure
from everloop.dev.environments import Environment
from everloop.dev.executions import Work
from everloop.dev.journal import Journal, LogLine, Record

LogListener = Callable[[LogLine, Record | None], None]
"""Told of every line that a runtime writes, and of the invocation that it belongs to, where one can tell."""


class Function:
    """The `Lambda` of a laptop. All of it belongs to the loop that `start()` is called on.

    `on_log` is told of every line, in the order in which they come.
    """

    def __init__(self, config: FunctionConfig, journal: Journal, on_log: LogListener | None = None) -> None:
        self.config = config
        self.journal = journal
        self._on_log = on_log
        self._numbers = itertools.count(1)
        self._environments: list[Environment] = []
        self._retired: set[Environment] = set()
        self._queue: deque[Work] = deque()
        self._starting: set[asyncio.Task[None]] = set()
        self._start_failure: CallFailed | None = None
        self._news: list[asyncio.Future[None]] = []
        self._closed = False

    @property
    def environments(self) -> tuple[Environment, ...]:
        """Those that take calls now, or will when they have started."""
        return tuple(self._environments)

    @property
    def waiting(self) -> int:
        """Calls that wait for an environment."""
        return len(self._queue)

    async def start(self) -> None:
        """Start the first environment, so that the first call finds it warm. Does not wait for it: see `ready()`."""
        self._launch()

    async def ready(self) -> CallFailed | None:
        """Wait until an environment is initialised; give why, where that failed instead."""
        while True:
            if any(environment.init_seconds is not None for environment in self._environments):
                return None
            if not self._environments:
                return self._start_failure
            news = asyncio.get_running_loop().create_future()
            self._news.append(news)
            await news

    async def call(self, call: Call) -> Work:
        """Put a call into the queue. Never raises: what becomes of it is told by what this gives."""
        request_id = call.request_id
        if request_id is None or request_id in self._ids_at_work():
            request_id = str(uuid.uuid4())
        record = self.journal.open(request_id, source=call.source, label=call.label, event=call.payload)
        record.streaming = call.streaming
        record.trace_id = call.trace_id or make_trace_id()
        limited = call.streaming and self.config.bandwidth_limit
        work = Work(call, record, self.journal, TokenBucket() if limited else None)
        if self._closed:
            work.fail_with(Failure.SHUTDOWN, "Client.ExecutionEnvironmentShutDown", "everloop dev is stopping")
            work.finish(None)
        else:
            self._queue.append(work)
            self._dispatch()
        return work

    async def reload(self, config: FunctionConfig | None = None) -> None:
        """Give later calls new environments, of a new configuration if one is given; those at work finish first."""
        self.config = config or self.config
        old, self._environments = self._environments, []
        for environment in old:
            self._retired.add(environment)
            environment.retire()
        self._start_failure = None
        if not self._environments:  # a call that waits has started one already
            self._launch()

    def kill(self) -> None:
        """End every process at once, for one that ends itself: nothing else can end what blocks or computes."""
        for environment in (*self._environments, *self._retired):
            environment.kill()

    async def close(self) -> None:
        """End every environment: SIGTERM, and SIGKILL 500 ms later. Calls that are not done fail."""
        self._closed = True
        for work in self._queue:
            work.fail_with(Failure.SHUTDOWN, "Client.ExecutionEnvironmentShutDown", "everloop dev is stopping")
            work.finish(None)
        self._queue.clear()
        ending = [*self._environments, *self._retired]
        await asyncio.gather(*(environment.stop() for environment in ending), *self._starting)

    # What environments tell.

    def freed(self, environment: Environment) -> None:
        """Give the environment work, where there is some."""
        self._tell()
        self._dispatch()

    def gone(self, environment: Environment, failure: StartFailure | None) -> None:
        """Forget an environment. The calls that had to wait for it fail where it could not start."""
        if environment in self._environments:
            self._environments.remove(environment)
            if failure is not None:
                self._start_failure = as_call_failed(failure)
                # With others alive only one call has lost its environment; else all have waited for this one.
                for _ in range(1 if self._environments else len(self._queue)):
                    if self._queue:
                        environment.fail_first(self._queue.popleft(), failure)
        if environment.phase is Phase.STOPPING:
            self._retired.add(environment)
        self._tell()
        if not self._closed:
            self._dispatch()

    def ended(self, environment: Environment) -> None:
        """An environment's process is no more."""
        self._retired.discard(environment)

    def logged(self, environment: Environment, line: LogLine, record: Record | None) -> None:
        """Pass a line on."""
        if self._on_log is not None:
            self._on_log(line, record)
        if record is not None:
            self.journal.changed(record)

    def _ids_at_work(self) -> set[str]:
        works = itertools.chain(self._queue, *(environment.running for environment in self._environments))
        return {work.request_id for work in works}

    def _dispatch(self) -> None:
        """Hand out what can be handed out, and start environments for what has to wait."""
        while self._queue:
            free = next((environment for environment in self._environments if environment.free), None)
            if free is None:
                self._make_room()
                return
            free.deliver(self._queue.popleft())

    def _make_room(self) -> None:
        coming = 0
        for environment in self._environments:
            if environment.phase is Phase.SNAPSHOT and coming < len(self._queue):
                environment.restore()
            coming += environment.phase is Phase.STARTING
        limit = self.config.environments if self.config.max_concurrency is None else 1
        for _ in range(min(len(self._queue) - coming, limit - len(self._environments))):
            self._launch()

    def _launch(self) -> None:
        environment = Environment(next(self._numbers), self.config, self)
        self._environments.append(environment)
        task = asyncio.get_running_loop().create_task(environment.start())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    def _tell(self) -> None:
        if self._news:
            news, self._news = self._news, []
            for one in news:
                if not one.done():
                    one.set_result(None)


def as_call_failed(failure: StartFailure) -> CallFailed:
    """Give a failed start as a call's failure, for who asks without having called."""
    payload = failure.payload
    if payload is None:
        payload = orjson.dumps({"errorType": failure.error_type, "errorMessage": failure.message})
    return CallFailed(Failure.INIT, failure.error_type, payload)


def make_trace_id() -> str:
    """Make up what X-Ray would say of a request that is not sampled."""
    random = uuid.uuid4().hex
    return f"Root=1-{int(time.time()):08x}-{random[:24]};Parent={uuid.uuid4().hex[:16]};Sampled=0"
