"""Notices an import of the application that takes too long for Lambda, and names the modules that take the time.

Looking at the stack from a thread costs a quick import that one thread, and names the module that is running, so that
the time of what it imports itself is not counted twice. Observing every import would cost each of them, and a frame in
its tracebacks.
"""

import logging
import sys
import threading
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from time import monotonic
from types import FrameType

from everloop.settings import Settings

logger = logging.getLogger("everloop")

PATIENCE = 8.0
"""Seconds after which it is told. Lambda ends an initialisation after 10."""
LOOK_EVERY = 0.1
NAMED = 5
"""Modules that are named, the slowest first."""


def watched_import(settings: Settings) -> AbstractContextManager[None]:
    """Watch over the import where Lambda limits it to 10 seconds."""
    return ImportWatch(settings.handler) if limited(settings) else nullcontext()


def limited(settings: Settings) -> bool:
    """Tell whether Lambda gives the start 10 seconds, as it does on demand; elsewhere it gives 130 and more."""
    return settings.max_concurrency is None and settings.initialization_type in (None, "on-demand")


class ImportWatch:
    """Use as `with ImportWatch(handler): ...` around the import, which it watches from a thread of its own."""

    def __init__(self, handler: str, patience: float = PATIENCE) -> None:
        self._handler = handler
        self._patience = patience
        self._watched = threading.get_ident()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="everloop import watch", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()  # the process may be about to fork

    def _watch(self) -> None:
        seconds: defaultdict[str, float] = defaultdict(float)
        began = before = monotonic()
        while not self._done.wait(LOOK_EVERY):
            # A module in C holds the interpreter as long as it wants: the time since the last look is what counts.
            now = monotonic()
            seconds[running_module(sys._current_frames().get(self._watched))] += now - before
            before = now
            if now - began >= self._patience:
                self._tell(seconds, now - began)
                return

    def _tell(self, seconds: Mapping[str, float], took: float) -> None:
        most = sorted(seconds.items(), key=lambda one: -one[1])[:NAMED]
        slowest = ", ".join(f"{name} {time:.1f} s" for name, time in most)
        # Told while it still goes on: what Lambda ends after 10 seconds writes nothing more.
        logger.warning(
            "The import of %s has taken %.0f s and goes on; Lambda ends an initialisation after 10 s and begins again. "
            "Slowest modules so far, each without what it imports: %s. Import less, or when it is needed; compile "
            "bytecode into the image; give the function more memory, which is more processor.",
            self._handler,
            took,
            slowest,
        )


def running_module(top: FrameType | None) -> str:
    """Give the name of the module whose body is being run or loaded, the innermost on the stack."""
    frame = top
    while frame is not None:
        code = frame.f_code
        if code.co_name == "<module>":
            return str(frame.f_globals.get("__name__"))
        if code.co_name == "_find_and_load" and code.co_filename == "<frozen importlib._bootstrap>":
            return str(frame.f_locals.get("name"))
        frame = frame.f_back
    return "nothing"
