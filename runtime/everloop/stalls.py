"""Notices a coroutine that blocks the loop while other invocations wait, and says which function it is."""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable
from types import CodeType, FrameType

from everloop.crew import Crew
from everloop.invocation import Invocation, current

logger = logging.getLogger("everloop")

BLOCKED = 0.1
"""Seconds for which the loop does not turn until somebody is told."""

LOOK_EVERY = 0.025
LOOK_SELDOM = 0.1
QUIET_AFTER = 40
"""Looks in a row that found the loop waiting, a second of them, after which they come seldom: each costs 0.1 ms."""

REMEMBERED = 1_000
"""Functions that are named once each; a program that makes functions as it goes must not fill the memory."""


class StallWatch:
    """A thread that looks, forty times a second or ten where nothing happens, whether the loop's thread is busy.

    Only then does it ask the loop for a sign of life, so a loop that waits is never woken, and nothing at all is added
    to an invocation. Wanted where several invocations share a loop: a single one has nobody to keep waiting.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, crew: Crew, unread: Callable[[], int] = lambda: 0) -> None:
        """Watch the loop of this thread. `unread` counts the slots with an event that nobody has read yet."""
        self._loop = loop
        self._crew = crew
        self._unread = unread
        self._watched = threading.get_ident()
        # None where the system cannot tell (macOS).
        self._clock = time.pthread_getcpuclockid(self._watched) if hasattr(time, "pthread_getcpuclockid") else None
        self._turned = threading.Event()
        self._stopped = threading.Event()
        self._named: set[CodeType] = set()
        threading.Thread(target=self._watch, name="everloop stall watch", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self._turned.set()

    def _watch(self) -> None:
        quiet = 0
        while not self._stopped.wait(LOOK_EVERY if quiet < QUIET_AFTER else LOOK_SELDOM):
            top = sys._current_frames().get(self._watched)
            if top is None or is_waiting(top):
                quiet += 1
                continue
            quiet = 0
            working_on = invocation_of(top)
            del top  # a frame keeps everything alive that its function knows
            self._turned.clear()
            try:
                self._loop.call_soon_threadsafe(self._turned.set)
            except RuntimeError:
                return  # the loop is closed
            self._wait_for_turn(working_on)
            del working_on  # nor is an event to be kept until the next look

    def _wait_for_turn(self, working_on: Invocation | None) -> None:
        """Wait until the loop turns; tell of a function by which one invocation kept it for `BLOCKED`.

        A turn of many invocations may take as long without any of them.
        """
        since, used = time.monotonic(), self._processor_time()
        while not self._turned.wait(LOOK_EVERY) and not self._stopped.is_set():
            top = sys._current_frames().get(self._watched)
            if top is None or is_waiting(top):
                continue  # the machine was slow, not the application
            now, now_used, now_on = time.monotonic(), self._processor_time(), invocation_of(top)
            if now_on is working_on and now - since < BLOCKED:
                continue
            if now_on is working_on and not is_crowded_out(now_used[0] - used[0], now_used[1] - used[1]):
                self._tell(top, working_on)
                del top
                self._turned.wait()
                return
            since, used, working_on = now, now_used, now_on

    def _processor_time(self) -> tuple[float, float]:
        """Seconds that the loop's thread, and all threads together, have computed."""
        everybody = time.process_time()
        return (everybody if self._clock is None else time.clock_gettime(self._clock)), everybody

    def _tell(self, top: FrameType, working_on: Invocation | None) -> None:
        others = self._crew.waiting() + self._unread()
        frame = responsible(top)
        if not others or frame.f_code in self._named or len(self._named) >= REMEMBERED:
            return
        self._named.add(frame.f_code)
        token = current.set(working_on)  # the record belongs to the invocation that blocks
        try:
            logger.warning(
                "%s() has blocked the event loop for more than %d ms while %d other invocation(s) wait (%s, line %d). "
                "Await an asynchronous library instead, or use asyncio.to_thread(); told once for each function.",
                frame.f_code.co_qualname,
                BLOCKED * 1000,
                others,
                frame.f_code.co_filename,
                frame.f_lineno,
            )
        finally:
            current.reset(token)


def is_crowded_out(by_loop: float, by_all: float) -> bool:
    """Tell a loop that waits for the interpreter's lock: in the time of `BLOCKED` mostly other threads computed.

    They are then what holds everybody up, and the function that the loop happens to be in is not to blame.
    """
    others = by_all - by_loop
    return others > BLOCKED / 2 and others > by_loop


def is_waiting(top: FrameType) -> bool:
    """Tell a loop that waits for something to happen: asyncio's is in `select`, uvloop's has no frame of its own."""
    return top.f_code.co_filename.endswith(("/selectors.py", "/everloop/runtime.py"))


_NOT_THE_USERS = ("<", __file__.removesuffix("stalls.py"), threading.__file__.removesuffix("threading.py"))
"""How the file names begin of frozen modules, everloop itself and the standard library."""


def responsible(top: FrameType) -> FrameType:
    """Give the innermost frame of the user's own code; the innermost at all where there is none."""
    frame: FrameType | None = top
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(_NOT_THE_USERS) and "/site-packages/" not in name:
            return frame
        frame = frame.f_back
    return top


def invocation_of(top: FrameType) -> Invocation | None:
    """Give the invocation that the stack works on."""
    frame: FrameType | None = top
    while frame is not None:
        if frame.f_code is Crew._work.__code__:
            invocation = frame.f_locals.get("invocation")
            return invocation if isinstance(invocation, Invocation) else None
        frame = frame.f_back
    return None
