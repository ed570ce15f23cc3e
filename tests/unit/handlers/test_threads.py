"""Threads for handlers that block: as many as slots, replaced where one does not come back, reached where they send."""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from everloop.errors import ClientDisconnected, DeadlineExceeded
from everloop.handlers.base import ApplicationExit
from everloop.handlers.threads import ThreadedHandler, ThreadPool
from everloop.invocation import Invocation
from everloop.report import ErrorReport
from support.answering import Answering

mark: contextvars.ContextVar[str] = contextvars.ContextVar("mark")
PATIENCE = 10


def waited(event: threading.Event) -> None:
    assert event.wait(PATIENCE)


class Blocking:
    """A blocking handler that does what the test says; `expired` are those that were answered in its place."""

    def __init__(self, work: Callable[[Any], None]) -> None:
        self.work = work
        self.expired: list[str] = []

    def handle(self, invocation: Invocation, reply: Any) -> None:
        self.work(reply)

    def expire(self, invocation: Invocation, reply: Any, error: DeadlineExceeded) -> None:
        self.expired.append(str(error))
        reply.fail(ErrorReport.of(error))


class Threaded:
    """A pool of threads in front of it, on a real loop: what is shown here is how the two meet."""

    def __init__(self, work: Callable[[Any], None], *, slots: int = 2) -> None:
        self.blocking = Blocking(work)
        self.exhausted: list[int] = []
        self.handler = ThreadedHandler(self.blocking, slots, deadline_margin=0.2, on_exhausted=self.exhausted.append)

    async def handle(self, call: Answering, seconds: float | None = None) -> None:
        if seconds is not None:
            call.invocation.deadline = time.time() + seconds
        await self.handler.handle(call.invocation, call.reply)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def call(loop: asyncio.AbstractEventLoop) -> Answering:
    return Answering(loop)


def test_a_pool_starts_threads_as_they_are_needed_and_no_more() -> None:
    """Two for two; jobs run at the same time, in daemon threads."""
    pool, both, seen = ThreadPool(2), threading.Barrier(3, timeout=PATIENCE), []

    def job() -> None:
        seen.append((threading.current_thread(), threading.current_thread().daemon))
        both.wait()

    for _ in range(3):
        pool.submit(job)
        pool.submit(job)
        both.wait()

    assert len(dict(seen)) == 2
    assert all(daemon for _, daemon in seen)


def running(pool: ThreadPool) -> int:
    return sum(getattr(thread, "_target", None) == pool._work for thread in threading.enumerate())


def wait_until_running(pool: ThreadPool, count: int) -> None:
    """Threads end a moment after what ends them."""
    end = time.monotonic() + PATIENCE
    while running(pool) != count and time.monotonic() < end:
        time.sleep(0.001)
    assert running(pool) == count


def side_by_side(pool: ThreadPool, count: int) -> None:
    """So many jobs at a time are done."""
    all_there = threading.Barrier(count + 1, timeout=PATIENCE)

    def job() -> None:
        all_there.wait()

    for _ in range(count):
        pool.submit(job)
    all_there.wait()


@pytest.mark.parametrize("left", [1, 2])
@pytest.mark.parametrize("busy_before", [0, 3], ids=["cold", "warm"])
def test_threads_that_are_left_to_themselves_are_replaced_until_they_come_back(left: int, busy_before: int) -> None:
    """There is always one for every slot, and when all have come back not one more."""
    pool, back = ThreadPool(3), [threading.Event() for _ in range(left)]
    if busy_before:
        side_by_side(pool, busy_before)
    for number, event in enumerate(back, 1):
        pool.submit(partial(waited, event))
        assert pool.replace_one() == number
    side_by_side(pool, 3)
    assert running(pool) == 3 + left

    for number, event in enumerate(back, 1):
        event.set()
        pool.job_ended()
        wait_until_running(pool, 3 + left - number)
        side_by_side(pool, 3)
    assert pool.replace_one() == 1


def test_context_variables_come_along_and_do_not_go_back(loop: asyncio.AbstractEventLoop, call: Answering) -> None:
    """The task's own, copied."""
    seen = []

    def work(reply: Any) -> None:
        seen.append((mark.get(), threading.current_thread() is threading.main_thread()))
        mark.set("the thread's")
        reply.complete(b"1")

    async def invoke() -> None:
        mark.set("the task's")
        await Threaded(work).handle(call)
        seen.append((mark.get(), True))

    loop.run_until_complete(invoke())
    assert seen == [("the task's", False), ("the task's", True)]
    assert call.reply.state.name == "COMPLETED"


def test_a_thread_waits_for_the_reader(loop: asyncio.AbstractEventLoop, call: Answering) -> None:
    """Each piece is handed over on the loop, and the next is not made while nobody reads."""
    made = []

    def work(reply: Any) -> None:
        reply.start(b"text/plain", b"a")
        for piece in (b"b", b"c"):
            made.append(piece)
            reply.write(piece)
        reply.finish()

    async def invoke() -> None:
        call.wire.pause(True)
        task = loop.create_task(Threaded(work).handle(call))
        await asyncio.sleep(0.2)
        assert made == []
        call.wire.pause(False)
        await task

    loop.run_until_complete(invoke())
    assert made == [b"b", b"c"]
    assert bytes(call.post().content) == b"abc"


def test_what_a_thread_raises_comes_to_the_task(loop: asyncio.AbstractEventLoop, call: Answering) -> None:
    """`ApplicationExit` among it; a lost client is nothing to tell of; StopIteration no task can raise."""

    def raising(error: BaseException) -> Threaded:
        def work(reply: Any) -> None:
            raise error

        return Threaded(work)

    with pytest.raises(ApplicationExit):
        loop.run_until_complete(raising(ApplicationExit(3)).handle(call))
    with pytest.raises(RuntimeError):
        loop.run_until_complete(raising(StopIteration()).handle(call))
    loop.run_until_complete(raising(ClientDisconnected("gone")).handle(call))


@pytest.mark.parametrize("streams", [True, False])
def test_a_deadline_is_answered_in_the_place_of_the_thread(
    loop: asyncio.AbstractEventLoop, call: Answering, *, streams: bool
) -> None:
    """One that sends ends there; one that does not is left to itself, and does nothing more when it comes back."""
    back, ended = threading.Event(), []

    def work(reply: Any) -> None:
        try:
            if streams:
                reply.start(b"text/plain", b"a")
                while True:
                    reply.write(b"b")
                    time.sleep(0.01)
            waited(back)
            reply.complete(b"too late")
        except ClientDisconnected:
            ended.append("disconnected")
            if not streams:
                raise

    threaded = Threaded(work)
    loop.run_until_complete(threaded.handle(call, seconds=0.4))
    back.set()
    loop.run_until_complete(asyncio.sleep(0.1))

    assert len(threaded.blocking.expired) == 1
    assert ("left to itself" in threaded.blocking.expired[0]) is not streams
    assert (call.reply.state.name, ended, threaded.exhausted) == ("FAILED", ["disconnected"], [])
    post = call.post()
    assert post.complete
    assert post.kind == ("response" if streams else "error")


def test_too_many_threads_that_do_not_come_back(loop: asyncio.AbstractEventLoop) -> None:
    """More than there are slots: the process is told to end."""
    back = threading.Event()
    threaded = Threaded(lambda _: waited(back), slots=1)
    for left in (0, 1):
        loop.run_until_complete(threaded.handle(Answering(loop), seconds=0.1))
        assert len(threaded.exhausted) == left
    back.set()
    loop.run_until_complete(asyncio.sleep(0.1))

    assert threaded.exhausted == [1]


def test_threads_that_have_come_back_do_not_count(loop: asyncio.AbstractEventLoop) -> None:
    """However many were left to themselves before: a thread ends for each, and the process need not."""
    back = threading.Event()
    threaded = Threaded(lambda _: waited(back), slots=1)
    for _ in range(3):
        back.clear()
        loop.run_until_complete(threaded.handle(Answering(loop), seconds=0.1))
        assert running(threaded.handler._pool) == 2
        back.set()

        async def until_it_is_counted() -> None:
            async with asyncio.timeout(PATIENCE):
                while running(threaded.handler._pool) != 1:  # noqa: ASYNC110 - the threads' end is what is waited for
                    await asyncio.sleep(0.001)

        loop.run_until_complete(until_it_is_counted())

    assert threaded.exhausted == []


def test_a_shutdown_waits_a_moment_for_the_thread(loop: asyncio.AbstractEventLoop, call: Answering) -> None:
    """It is cut off at its next piece, may clean up, and is answered for."""
    cleaned = []

    def work(reply: Any) -> None:
        reply.start(b"text/plain", b"a")
        try:
            while True:
                reply.write(b"b")
                time.sleep(0.001)
        finally:
            cleaned.append(True)

    async def invoke() -> None:
        task = loop.create_task(Threaded(work).handle(call))
        while not call.posted():  # noqa: ASYNC110 - it is the other side that is looked at
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    loop.run_until_complete(invoke())
    assert cleaned == [True]
    assert b"Runtime.ShutDown" in call.post().trailers.values()
