"""The parent of several workers: imports the application, forks, forwards signals, and ends with the first that ends.

The loop that is current during the import is closed before the fork: two processes that share one epoll descriptor
disturb each other, and uvloop's loops do not survive a fork. Each worker makes a loop of its own.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import threading
from collections.abc import MutableMapping
from typing import Any

from everloop import loops
from everloop.api.client import RuntimeApiClient
from everloop.api.log_socket import redirect_output
from everloop.loader import load
from everloop.runtime import USER_AGENT, Runtime, report_init_error
from everloop.settings import Settings
from everloop.signals import StopRequested, StopSignals
from everloop.worker import ENDING, READY, Pipes, Worker

logger = logging.getLogger("everloop")

FORWARDED = (signal.SIGTERM, signal.SIGINT)


def count(chosen: Settings) -> int:
    """How many workers the settings ask for: `auto` is one per processor that we may use, at most one per slot."""
    if chosen.workers is not None:
        return chosen.workers
    return min(len(os.sched_getaffinity(0)), chosen.slots)


def shares(slots: int, workers: int) -> list[int]:
    """Divide the slots as evenly as it goes."""
    each, over = divmod(slots, workers)
    return [each + (number < over) for number in range(workers)]


def run(chosen: Settings, environ: MutableMapping[bytes, bytes], workers: int) -> int:
    """Run the parent, and in it each worker, from valid settings to the exit code."""
    signals = StopSignals(chosen.shutdown_timeout)
    signals.install()
    try:
        try:
            app = import_application(chosen)
        except StopRequested:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever the user's module raises is reported
            asyncio.run(report_init_error(RuntimeApiClient(chosen.runtime_api, USER_AGENT), error))
            signals.limit_failed_start(1)
            return 1
        parent = Parent(signals)
        worker = parent.fork(app, workers)
        if worker is None:
            return parent.wait()
        slots = shares(chosen.slots, workers)[worker.number - 1]
        return work(worker, chosen._replace(max_concurrency=slots), environ)
    except StopRequested:
        logger.info("Stopped by a signal during start-up")
        return 0


def work(worker: Worker, chosen: Settings, environ: MutableMapping[bytes, bytes]) -> int:
    """Be one worker; give the exit code."""
    signals = StopSignals(chosen.shutdown_timeout, forwarded=True)
    signals.install()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    if chosen.log_socket is not None:
        try:
            redirect_output(chosen.log_socket)
        except OSError as error:
            logger.warning(
                "The log socket %s cannot be used, the worker logs as its parent: %s", chosen.log_socket, error
            )
    code = Runtime(chosen, environ, signals, worker).run()
    worker.tell(ENDING)
    return code


def import_application(chosen: Settings) -> Any:
    """Import with a loop that is current but not running, and gone afterwards. Raises what the user's module raises."""
    loop = loops.new_loop(chosen.loop)
    asyncio.set_event_loop(loop)
    try:
        app = load(chosen.handler)
        if lost := asyncio.all_tasks(loop):
            logger.warning(
                "Tasks that were made while the application was imported run in none of the workers; make them in the "
                "lifespan: %s",
                sorted(task.get_name() for task in lost),
            )
        return app
    finally:
        loops.close(loop)


class Parent:
    """Watches over the workers. Serves nothing itself, and replaces nobody: Lambda replaces whole environments."""

    def __init__(self, signals: StopSignals) -> None:
        self._signals = signals
        self._pipes = Pipes()
        self._workers: dict[int, int] = {}
        """Numbers of the workers that live, by process id."""
        self._of = 0
        self._ready = 0
        self._ending: set[int] = set()
        self._stopping = False

    def fork(self, app: Any, workers: int) -> Worker | None:
        """Start the workers; give each its `Worker`, and None to the parent."""
        others = [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]
        if others:
            logger.warning(
                "Threads that were started while the application was imported do not run in the workers; start them in "
                "the lifespan: %s",
                others,
            )
        self._of = workers
        # What no worker's collector looks at stays in memory that all of them share.
        gc.collect()
        gc.freeze()
        # Until each knows what a signal means to it. The parent unblocks in wait().
        signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
        signal.signal(signal.SIGCHLD, _look)
        signal.set_wakeup_fd(self._pipes.wake_end, warn_on_full_buffer=False)
        for number in range(1, workers + 1):
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                self._pipes.keep_worker_ends()
                return Worker(number, workers, app, self._pipes)
            self._workers[pid] = number
        os.close(self._pipes.notes_end)
        return None

    def wait(self) -> int:
        """Wait for the end of all workers; give the exit code."""
        self._signals.on_stop = self._stop
        self._signals.before_exit = self._kill
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        code = 0
        while self._workers:
            os.read(self._pipes.wake, 4096)
            ended = self._ended()
            self._read_notes()  # after that: who has ended has said all that it had to say
            for number, status in ended:
                if not self._stopping:
                    code = self._judge(number, os.waitstatus_to_exitcode(status))
                    self._signals.limit(code)
                    self._stop()
                elif status != 0 and number not in self._ending:
                    logger.warning(
                        "Worker %d of %d died (%s) during the shutdown",
                        number,
                        self._of,
                        how_it_died(os.waitstatus_to_exitcode(status)),
                    )
        signal.set_wakeup_fd(-1)
        return code

    def _read_notes(self) -> None:
        try:
            notes = os.read(self._pipes.notes, 1 << 16).decode().split("\n")
        except BlockingIOError:
            return
        for note in filter(None, notes):
            what, _, number = note.partition(" ")
            if what == READY:
                self._ready += 1
            else:
                self._ending.add(int(number))
        if self._ready == self._of:
            self._pipes.open_gate(self._of)

    def _ended(self) -> list[tuple[int, int]]:
        """Collect the workers that have ended, and no other child: the application may have some of its own."""
        found = []
        for pid in list(self._workers):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                found.append((self._workers.pop(pid), status))
        return found

    def _judge(self, number: int, code: int) -> int:
        """Say why the process ends; give its exit code."""
        if number in self._ending:
            logger.info("Worker %d of %d has ended with exit code %d: the process ends", number, self._of, code)
            return code
        logger.critical(
            "Worker %d of %d died (%s): the process ends, Lambda replaces it", number, self._of, how_it_died(code)
        )
        return 1

    def _stop(self) -> None:
        self._stopping = True
        self._send(signal.SIGTERM)

    def _kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        for pid in list(self._workers):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


_HINTS: dict[int, str] = {
    signal.SIGKILL: ": too little memory is the usual cause",
    signal.SIGSEGV: ": a fault in a C extension",
}


def how_it_died(code: int) -> str:
    """Say what an exit code, or a signal as a negative one, means."""
    return f"exit code {code}" if code >= 0 else f"{signal.Signals(-code).name}{_HINTS.get(-code, '')}"


def _look(number: int, frame: object) -> None:
    """Do nothing: the signal's number in the wake-up pipe is what counts, and a handler is what puts it there."""
