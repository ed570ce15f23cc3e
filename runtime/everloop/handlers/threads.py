"""Threads for handlers that block, where invocations run side by side."""

import asyncio
import contextlib
import contextvars
import logging
import queue
import threading
from collections.abc import Callable

from everloop.api.reply import UNDER_WAY, Reply
from everloop.background import settle
from everloop.errors import ClientDisconnected, DeadlineExceeded, ShutDown
from everloop.failures import log_failure
from everloop.handlers.base import BlockingHandler
from everloop.handlers.deadline import GRACE, Deadlines
from everloop.handlers.remote_reply import RemoteReply
from everloop.invocation import Invocation
from everloop.report import ErrorReport

logger = logging.getLogger("everloop")

Job = Callable[[], None]

SHUTDOWN_GRACE = GRACE * 0.8
"""Seconds that a thread gets at the shutdown to come to its next piece; whoever cancels the tasks waits for `GRACE`."""


class ThreadPool:
    """As many daemon threads as there are slots; one that was left to itself is replaced.

    Not concurrent.futures: its threads cannot be replaced, and the interpreter waits for them when it ends.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._surplus = 0
        """Threads that end when their job does: each has been replaced."""
        self._started = 0
        """Threads for the slots. Those that stand in for others are not among them: else a slot would go without."""

    def submit(self, job: Job) -> None:
        """Run a job in a thread; there is one for every slot."""
        if self._started < self._size:
            self._started += 1
            self._start(f"everloop-{self._started}")
        self._jobs.put(job)

    def replace_one(self) -> int:
        """Start a thread in the place of one whose job does not end; give how many such threads there are now."""
        with self._lock:
            self._surplus += 1
            left = self._surplus
        self._start("everloop-stand-in")
        return left

    def job_ended(self) -> None:
        """Count a thread that was left to itself as come back, and let one thread go."""
        with self._lock:
            self._surplus -= 1
        self._jobs.put(_end_thread)

    def _start(self, name: str) -> None:
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job is _end_thread:
                return
            job()


def _end_thread() -> None:
    """Stand for the end of a thread in the queue of jobs."""


class ThreadedHandler:
    """Gives every invocation to a blocking handler, in a thread of a pool and with the task's context variables.

    `on_exhausted` is called with an exit code when more threads than slots are left to themselves.
    """

    def __init__(
        self, handler: BlockingHandler, slots: int, *, deadline_margin: float, on_exhausted: Callable[[int], None]
    ) -> None:
        self._handler = handler
        self._slots = slots
        self._on_exhausted = on_exhausted
        self._pool = ThreadPool(slots)
        self._deadlines = Deadlines(asyncio.get_event_loop(), deadline_margin)

    async def handle(self, invocation: Invocation, reply: Reply) -> None:
        """Answer one invocation; return when the next one may come. Raises `ApplicationExit`."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        remote = RemoteReply(reply, loop)
        run = _Run(self, invocation, reply, remote, done)
        self._deadlines.watch(run, invocation.deadline)
        context = contextvars.copy_context()

        def job() -> None:
            error: BaseException | None = None
            try:
                context.run(self._handler.handle, invocation, remote)
            except BaseException as raised:  # noqa: BLE001 - handed on to the task
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(run.ended, error)

        self._pool.submit(job)
        try:
            await done
        except asyncio.CancelledError:
            await run.shut_down()
            raise
        finally:
            remote.cut = True
            self._deadlines.stop(run)
        if run.expired and reply.state in UNDER_WAY:
            # The thread noticed at its next piece, and has ended in time.
            self._expire(invocation, reply, "The deadline came near before the handler had returned.")
        if invocation.background:
            await settle(invocation, run.stop_at)

    def abandon(self, invocation: Invocation, reply: Reply) -> None:
        """Answer in the place of a thread that does not come back, and let another take its place."""
        if reply.state in UNDER_WAY:
            what = "The deadline came near before the handler had returned. Its thread is left to itself."
            self._expire(invocation, reply, what)
        left = self._pool.replace_one()
        if left > self._slots:
            logger.critical("%d threads do not come back, more than there are slots: the process ends", left)
            self._on_exhausted(1)

    def _expire(self, invocation: Invocation, reply: Reply, what: str) -> None:
        error = DeadlineExceeded(f"{what} Raise the function's timeout, or do less.")
        log_failure(f"{error.error_type}: {error}", error)
        self._handler.expire(invocation, reply, error)

    def came_back(self) -> None:
        """Take note that the job of a thread that was left to itself has ended."""
        self._pool.job_ended()


class _Run:
    """One job in a thread."""

    __slots__ = ("_abandoned", "_done", "_end", "_owner", "_remote", "_reply", "expired", "invocation", "stop_at")

    stop_at: float | None
    expired: bool

    def __init__(
        self,
        owner: ThreadedHandler,
        invocation: Invocation,
        reply: Reply,
        remote: RemoteReply,
        done: asyncio.Future[None],
    ) -> None:
        self._owner = owner
        self.invocation = invocation
        self._reply = reply
        self._remote = remote
        self._done = done
        self._abandoned = False
        self._end: asyncio.Future[None] | None = None
        """Waited for when the task has been cancelled: its `done` is, too."""

    async def shut_down(self) -> None:
        """Let the thread fail as soon as it wants to send, wait a moment for that, and answer in its place."""
        self._remote.cut_off()
        self._end = asyncio.get_running_loop().create_future()
        await asyncio.wait((self._end,), timeout=SHUTDOWN_GRACE)
        if self._reply.state in UNDER_WAY:
            error = ShutDown("The process was shut down before the handler had returned")
            log_failure(f"{error.error_type}: {error}", error)
            self._reply.fail(ErrorReport.of(error))

    def ended(self, error: BaseException | None) -> None:
        """Take note of the end of the job. Called on the loop."""
        if self._abandoned:
            self._owner.came_back()
        elif self._done.done():  # the task was cancelled meanwhile
            if self._end is not None and not self._end.done():
                self._end.set_result(None)
        elif error is None or isinstance(error, ClientDisconnected):
            self._done.set_result(None)
        else:
            self._done.set_exception(error if not isinstance(error, StopIteration) else RuntimeError(error))

    def deadline_near(self) -> bool:
        """Tell whether there is still something to stop."""
        return self._reply.state in UNDER_WAY or self._reply.broken

    def deadline_cancel(self) -> None:
        """Let the thread fail as soon as it wants to send: more cannot be done to a thread."""
        self._remote.cut_off()

    def deadline_abandon(self) -> None:
        """Answer, and let the slot poll while the thread goes on by itself."""
        self._abandoned = True
        self._remote.cut_off()
        self._owner.abandon(self.invocation, self._reply)
        if not self._done.done():
            self._done.set_result(None)
