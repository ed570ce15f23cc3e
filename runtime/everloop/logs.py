"""Log records as Lambda wants them: one line each, with the request id of the invocation that they belong to."""

import logging
import sys
import time
import traceback
from typing import Any, TextIO

from everloop.invocation import current

NO_BREAK_SPACE = "\u00a0"

_AWS_LEVELS = {"TRACE": "DEBUG", "FATAL": "CRITICAL", "WARN": "WARNING"}

_RECORD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {
    "asctime",
    "aws_request_id",
    "message",
    "taskName",
    "tenant_id",
}


class TextFormatter(logging.Formatter):
    """`[LEVEL]<tab>timestamp<tab>request id<tab>message`, as AWS's own client writes it.

    `\\r` takes the place of line ends inside a record, because Lambda makes a log event of every line of a container;
    on a terminal the lines stay lines.
    """

    def __init__(self, line_end: str = "\r") -> None:
        super().__init__()
        self._line_end = line_end
        self._second = 0
        self._stamp = ""

    def format(self, record: logging.LogRecord) -> str:
        """Give the record's one line, without its end."""
        invocation = current.get()
        request_id = "" if invocation is None else invocation.request_id
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        if record.stack_info:
            text += "\n" + record.stack_info
        if "\n" in text:
            text = text.rstrip("\n").replace("\n", self._line_end)
            if self._line_end == "\r":
                text = text.replace("\r ", "\r" + NO_BREAK_SPACE)  # CloudWatch would eat the indentation
        return f"[{record.levelname}]\t{self._timestamp(record)}\t{request_id}\t{text}"

    def _timestamp(self, record: logging.LogRecord) -> str:
        second = int(record.created)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._stamp}.{int(record.msecs):03d}Z"


class JsonFormatter(logging.Formatter):
    """One JSON object per record, with the keys of AWS's own client; `extra=` fields are added as they are."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the record's one line, without its end."""
        import json

        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        document: dict[str, Any] = {
            "timestamp": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        if (invocation := current.get()) is not None:
            document["requestId"] = invocation.request_id
            if invocation.tenant_id is not None:
                document["tenantId"] = invocation.tenant_id
            if invocation.trace_id is not None:
                document["traceId"] = invocation.trace_id
        if record.exc_info and record.exc_info[1] is not None:
            kind, error, tb = record.exc_info
            document["errorType"] = kind.__name__ if kind else None
            document["errorMessage"] = str(error)
            document["stackTrace"] = traceback.format_tb(tb)
            document["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        for name, value in vars(record).items():
            if name not in _RECORD_ATTRIBUTES and name not in document:
                document[name] = value
        return json.dumps(document, default=str, ensure_ascii=False)


class StandardOutput(logging.Handler):
    """Writes whole records to the standard output of the moment, which tests and users may replace."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record and its line end in one call, so that threads do not mix their lines."""
        invocation = current.get()
        # The names that AWS's client gives them: formatters of the user's own ask for them.
        record.aws_request_id = "" if invocation is None else invocation.request_id
        record.tenant_id = None if invocation is None else invocation.tenant_id
        try:
            text = self.format(record)
            sys.stdout.write(text if text.endswith("\n") else text + "\n")
        except Exception:  # noqa: BLE001 - logging must not break what it logs; the standard library reports it
            self.handleError(record)


def configure(*, as_json: bool, level: str | None) -> None:
    """Send what is logged to standard output, as Lambda wants it.

    `level` is AWS_LAMBDA_LOG_LEVEL; without it JSON begins at INFO and text at WARNING, as under AWS's client, except
    for everloop's own few lines.
    """
    prepare_output(sys.stdout)
    handler = StandardOutput()
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter("\n" if sys.stdout.isatty() else "\r"))
    root = logging.getLogger()
    root.addHandler(handler)
    if level is not None:
        root.setLevel(_AWS_LEVELS.get(level, level))
    elif as_json:
        root.setLevel(logging.INFO)
    else:
        logging.getLogger("everloop").setLevel(logging.INFO)


def prepare_output(stream: TextIO) -> None:
    """Let every line leave at once, since what waits in a buffer is frozen with the environment, and whole.

    What UTF-8 cannot carry, a lone surrogate in an exception's message, is escaped instead of losing the record.
    """
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True, errors="backslashreplace")


def enable_own_loggers() -> None:
    """Undo what `logging.config.dictConfig` does to loggers that existed before: it disables them by default."""
    for name, logger in logging.Logger.manager.loggerDict.items():
        if (name == "everloop" or name.startswith("everloop.")) and isinstance(logger, logging.Logger):
            logger.disabled = False
