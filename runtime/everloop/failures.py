"""The records of failures: with what Lambda is told, and written even where `logging` was told to drop them.

AWS's client writes a failure past `logging`. Here it goes through, so that the user's handlers and formatters get it;
where it would be lost on the way (AWS_LAMBDA_LOG_LEVEL=CRITICAL, `logging.disable()`), it is written directly.
"""

import logging
import traceback

from everloop.errors import EverloopError, InvocationError
from everloop.records import Failure, MarkedRecord
from everloop.report import ErrorReport, causes_of, user_traceback

NAMES = ("everloop", "everloop.api", "everloop.asgi", "everloop.access")

direct: logging.Handler | None = None
"""Writes what would be lost."""


class OwnLogger(logging.Logger):
    """Stays on: `dictConfig()` and `fileConfig()` disable whatever loggers they do not name, by default."""

    disabled = property(lambda self: False, lambda self, value: None)


def keep_own_loggers() -> None:
    """Let everloop's loggers live through any configuration. A level that is set on them holds."""
    for name in NAMES:
        logging.getLogger(name).__class__ = OwnLogger


def log_failure(
    what: str, error: BaseException, report: ErrorReport | None = None, *, level: int = logging.ERROR
) -> None:
    """Log what made an invocation or the start fail; `report` is what Lambda is told, where that is at hand.

    With a traceback, unless everloop has found the fault in what came or was returned.
    """
    if report is None:
        report = ErrorReport.of(error)
    tb = user_traceback(error.__traceback__)
    stack = report.stack
    if not isinstance(error, EverloopError):  # where all frames are everloop's they say what is wrong with it
        tb = tb or error.__traceback__
        stack = stack or traceback.format_tb(tb)
    trace = None if isinstance(error, InvocationError) else (type(error), error, tb)
    logger = logging.getLogger("everloop")
    file, line, function, _ = logger.findCaller(stacklevel=2)
    made = logger.makeRecord(logger.name, level, file, line, what, (), trace, function)
    record = MarkedRecord.of(made, Failure(report.error_type, report.message, stack, causes_of(error)))
    # A dictConfig() of the root without handlers removes those there.
    if logger.isEnabledFor(level) and logger.hasHandlers():
        logger.handle(record)
    elif logger.level <= level and direct is not None:  # a level of its own was set on it by name
        direct.handle(record)
