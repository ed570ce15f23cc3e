"""The end of a process that the application has forked: it has all that its parent has, connections too, and no say."""

import atexit
import logging
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from everloop.handlers.base import exit_code
from everloop.report import user_traceback

logger = logging.getLogger("everloop")


def leave(error: BaseException) -> NoReturn:
    """End it as the interpreter would, exit functions included, from wherever it is.

    Not by raising: on the way lie the loop, whose descriptors are those of the parent, and who would answer.
    """
    if isinstance(error, SystemExit):
        if not isinstance(error.code, int | None):
            sys.stderr.write(f"{error.code}\n")
        code = exit_code(error)
    else:
        trace = (type(error), error, user_traceback(error.__traceback__))
        logger.error("A process that was forked ends, and its parent goes on", exc_info=trace)
        code = 1
    with suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]  # waits for its threads
    with suppress(BaseException):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(code)
