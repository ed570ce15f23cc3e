"""Start, serve, stop: the only file that knows every part."""

import asyncio
import gc
import logging
from collections.abc import Coroutine, MutableMapping
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from everloop import __version__, background, loops, settings
from everloop.api.client import RuntimeApiClient
from everloop.api.extension import InternalExtension
from everloop.api.slot import Slot
from everloop.asgi.lifespan import Lifespan, NoLifespan
from everloop.crew import Crew
from everloop.errors import RuntimeApiError
from everloop.failures import log_failure
from everloop.handlers import warmup
from everloop.handlers.base import InvocationHandler, exit_code
from everloop.handlers.build import Builder
from everloop.kinds import Kind, detect
from everloop.loader import describe, load
from everloop.report import ErrorReport
from everloop.settings import Extension, Metrics, Settings
from everloop.signals import StopRequested, StopSignals, leave_if_forked, tell_exit
from everloop.slow_import import limited, watched_import
from everloop.snapshots import SNAP_START
from everloop.startup import Timeline
from everloop.unwritten import unwritten
from everloop.worker import Worker

if TYPE_CHECKING:
    from everloop.main_thread import MainThread

logger = logging.getLogger("everloop")

USER_AGENT = f"everloop/{__version__}"


class Runtime:
    """One process: one loop, one application, its lifespan and its slots. `worker`: it is one of several."""

    def __init__(
        self,
        settings: Settings,
        environ: MutableMapping[bytes, bytes],
        signals: StopSignals,
        worker: Worker | None = None,
        timeline: Timeline | None = None,
    ) -> None:
        self._timeline = timeline or Timeline(monotonic())
        self._timeline.mark("settings")
        self._settings = settings
        self._environ = environ
        self._signals = signals
        self._worker = worker
        self._loop = loops.new_loop(settings.loop)
        if settings.slots > 1:
            loops.give_threads(self._loop, settings.slots)
        background.run_on(self._loop)
        self._timeline.mark("loop")
        self._client = RuntimeApiClient(settings.runtime_api, USER_AGENT)
        if settings.metrics is Metrics.EMF:
            from everloop.metrics import measured_replies  # for those who want them

            self._client.make_reply = measured_replies(settings)
        self._app: Any
        self._kind: Kind
        self._lifespan: Lifespan | NoLifespan = NoLifespan()
        self._stopping = asyncio.Event()
        self._extension: InternalExtension | None = None
        self._slots: list[Slot] = []
        self._handler: InvocationHandler
        self._main_thread: MainThread | None = None
        """What serves instead of the running loop, where a handler blocks and there is one slot."""
        self._exit_code = 0

    def run(self) -> int:
        """Serve until a signal, `SystemExit` or the loss of the Runtime API; give the exit code."""
        loop = self._loop
        # Current, but not running: asyncio.run() works in the user's module, and clients that ask get this loop.
        asyncio.set_event_loop(loop)
        try:
            failure: BaseException | None = None
            try:
                self._load()
            except StopRequested:
                raise
            except BaseException as error:  # noqa: BLE001 - whatever the user's module raises is reported
                failure = error
            if failure is not None:  # here, because within `except` it would be the context of all that follows
                return loop.run_until_complete(self._init_failed(failure))
            self._signals.on_stop = self._stop_soon
            failed = loop.run_until_complete(self._begin())
            if failed is not None:
                return failed
            if self._settings.warmup and self._kind is Kind.WSGI:
                warmup.warm_up_wsgi(self._app, self._settings.warmup)
                self._timeline.mark("warm-up")
            if self._settings.initialization_type == SNAP_START and self._worker is None:
                code = self._pass_snapshot()
                if code is not None:
                    if code:
                        self._signals.limit_failed_start(code)
                    return code
                self._timeline.mark("snapshot")
            # What start-up made stays for good: the collector need not look at it again.
            gc.freeze()
            unwritten.flush()  # with the first poll the process may be frozen
            self._timeline.mark("up to the first poll")
            if logger.isEnabledFor(logging.DEBUG):
                logger.debug("%s", self._timeline.describe())
            if self._main_thread is not None:
                self._exit_code = self._main_thread.serve()
            else:
                self._run_through(self._serve(self._handler))
            self._run_through(self._end())
            return self._exit_code
        finally:
            loops.close(loop)

    def _run_through(self, work: Coroutine[Any, Any, None]) -> None:
        """Run to the end, also where a task of the application's own raises what ends the loop, SystemExit for one."""
        task = self._loop.create_task(work)
        while not task.done():
            try:
                self._loop.run_until_complete(task)
            except (SystemExit, KeyboardInterrupt) as error:
                tell_exit(error)
                self._stop_with(exit_code(error))

    def _pass_snapshot(self) -> int | None:
        """Let Lambda take a snapshot, and go on when restored; give an exit code where that ends the process."""
        from everloop.snapstart import Passed, pass_snapshot  # for those who are started for it

        passed = pass_snapshot(self._loop, self._client, self._stopping)
        if passed is Passed.STOPPED:
            self._loop.run_until_complete(self._end())
            return 0
        if passed is Passed.OFF and self._settings.extension is Extension.AUTO:
            self._loop.run_until_complete(self._register())
        return passed if isinstance(passed, int) else None

    def _load(self) -> None:
        """Import the application and build what serves it. Raises what the user's module raises, or `HandlerError`."""
        chosen = self._settings
        if self._worker is not None:
            found = self._worker.app
        else:
            with watched_import(chosen):
                found = load(chosen.handler)
        self._timeline.mark("application")
        # asyncio.run() in the user's module takes the current loop away.
        asyncio.set_event_loop(self._loop)
        kind = detect(chosen.handler, found, chosen.interface)
        self._app, self._kind = found, kind
        warmup.check(chosen, kind)
        if kind is Kind.ASGI and chosen.lifespan is not settings.Lifespan.OFF:
            required = chosen.lifespan is settings.Lifespan.ON
            self._lifespan = Lifespan(found, required=required, timeout=chosen.startup_timeout)
        slots = chosen.slots
        builder = Builder(chosen, self._loop, slots, self._stop_with)
        if kind.blocks and slots == 1 and self._worker is None:
            from everloop.main_thread import MainThread

            slot = self._client.blocking_slot()
            self._main_thread = MainThread(
                builder.on_main_thread(kind, found, partial(slot.run, self._loop)),
                slot,
                self._loop,
                self._environ,
                self._signals,
                chosen.deadline_margin,
                chosen.shutdown_timeout,
            )
        else:
            self._handler = builder.on_loop(kind, found, self._lifespan.state)
        self._timeline.mark("handler")
        given = settings.changed(chosen)
        first = self._worker is None or self._worker.number == 1
        logger.log(
            logging.INFO if first else logging.DEBUG,  # the first one says it for all
            "everloop %s: %s is %s (%s); loop %s, responses %s%s",
            __version__,
            chosen.handler,
            kind.value,
            describe(found),
            loops.name_of(self._loop),
            chosen.response_mode,
            f"; {' '.join(given)}" if given else "",
        )

    async def _begin(self) -> int | None:
        """Do all that comes before the first poll; give an exit code where that ends the process."""
        if self._worker is not None:
            self._worker.watch_parent(self._orphaned)
        start = asyncio.create_task(self._try_to_start())
        await self._unless_stopped(start)
        if not start.done():
            start.cancel()
            return self._exit_code
        error = start.result()
        return None if error is None else await self._init_failed(error)

    async def _try_to_start(self) -> BaseException | None:
        """Start, and give what the application raised. Not by raising it: SystemExit in a task ends the loop."""
        try:
            await self._start()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the application raises is reported
            return error
        return None

    async def _serve(self, handler: InvocationHandler) -> None:
        """Serve on the running loop until it is time to stop."""
        if self._worker is not None:
            await self._unless_stopped(asyncio.create_task(self._worker.all_ready()))
        slots_wanted = self._settings.slots
        # One process-wide variable cannot hold the trace ids of several invocations.
        alone = slots_wanted == 1 and self._worker is None
        environ = self._environ if alone else None
        crew = Crew(handler, environ, self._stop_with, self._settings.deadline_margin, alone=slots_wanted == 1)
        self._slots = [self._client.slot(crew.accept, self._lost) for _ in range(slots_wanted)]
        if self._signals.requested or self._stopping.is_set():  # a signal, or a parent that is gone
            self._stop_polling()
        for slot in self._slots:
            slot.poll()
        watch = None
        if slots_wanted > 1:
            from everloop.stalls import StallWatch  # with one slot nobody waits, and nobody pays for it

            watch = StallWatch(self._loop, crew, self._unread_events)
        await self._stopping.wait()
        if watch is not None:
            watch.stop()
        if not self._signals.requested:
            self._signals.limit(self._exit_code)
        await crew.finish(self._settings.shutdown_timeout / 2)

    async def _end(self) -> None:
        """Shut the application down and let go of the Runtime API."""
        await self._lifespan.stop()
        if self._extension is not None:
            self._extension.close()
        # Without a limit of its own: a Runtime API that does not read is what the shutdown timeout is for.
        await asyncio.gather(*(slot.close() for slot in self._slots))

    def _lost(self, error: RuntimeApiError) -> None:
        """Stop because the Runtime API is out of reach: Lambda replaces the environment."""
        if not self._stopping.is_set():
            logger.critical("The Runtime API is lost, the process ends: %s", error)
            self._stop_with(1)

    def _orphaned(self) -> None:
        if not self._stopping.is_set():
            logger.critical("The process that started this worker is gone, the worker ends")
            self._stop_with(1)

    async def _start(self) -> None:
        """Start the lifespan, warm up, register the extension: all that must be done before the first poll."""
        registered = None
        # Of several workers one asks for Lambda's SIGTERM: names of extensions are taken once. And a connection that is
        # parked for good must not be in a snapshot.
        wanted = self._settings.extension is Extension.AUTO and self._settings.initialization_type != SNAP_START
        if wanted and (self._worker is None or self._worker.number == 1):
            registered = asyncio.create_task(self._register())
        await self._lifespan.start()
        self._timeline.mark("lifespan")
        if self._settings.warmup and self._kind is Kind.ASGI:
            limit = warmup.TIMEOUT if limited(self._settings) else None
            await warmup.warm_up(self._app, self._lifespan.state, self._settings.warmup, limit)
            self._timeline.mark("warm-up")
        if registered is not None:
            await registered
            self._timeline.mark("extension")

    async def _register(self) -> None:
        """Register the extension that brings SIGTERM."""
        self._extension = self._client.extension()
        await self._extension.register()

    async def _unless_stopped(self, future: asyncio.Future[Any]) -> None:
        """Wait for the future or for the request to stop, whatever comes first."""
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((future, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()

    def _stop_with(self, code: int) -> None:
        """Stop by ourselves, with an exit code."""
        self._exit_code = code
        self._stop_polling()
        self._stopping.set()

    def _stop_soon(self) -> None:
        """Stop because of a signal: no further poll from here on, whatever the loop is at."""
        self._stop_polling()
        self._loop.call_soon_threadsafe(self._stopping.set)

    def _unread_events(self) -> int:
        return sum(slot.unread_event for slot in self._slots)

    def _stop_polling(self) -> None:
        for slot in self._slots:
            slot.stop()

    async def _init_failed(self, error: BaseException) -> int:
        if self._worker is not None and not self._worker.claim_failure():
            # All workers fail alike. The first one tells, and its end is what ends the others.
            await self._stopping.wait()
            return 1
        await report_init_error(self._client, error)
        self._signals.limit_failed_start(1)
        return 1


async def report_init_error(client: RuntimeApiClient, error: BaseException) -> None:
    """Log why start-up failed and tell Lambda."""
    leave_if_forked(error)
    report = ErrorReport.of(error)
    message = f"{report.error_type}: {report.message}{loops.hint(report.message)}"
    log_failure(message, error, report, level=logging.CRITICAL)
    try:
        await client.report_init_error(report)
    except RuntimeApiError as failure:
        logger.error("The Runtime API could not be told of it: %s", failure)


def run(chosen: Settings, environ: MutableMapping[bytes, bytes], timeline: Timeline | None = None) -> int:
    """Run the process from valid settings to its exit code."""
    signals = StopSignals(chosen.shutdown_timeout)
    signals.install()
    try:
        return Runtime(chosen, environ, signals, timeline=timeline).run()
    except StopRequested:
        logger.info("Stopped by a signal during start-up")
        return 0
