"""Log records as Lambda wants them: one line each, with the request id of the invocation that they belong to."""

import json
import logging
import os
import sys
import threading
import time
import traceback
from typing import TextIO

from everloop.invocation import current
from everloop.report import message_of

NO_BREAK_SPACE = "\u00a0"

_AWS_LEVELS = {"TRACE": "DEBUG", "FATAL": "CRITICAL", "WARN": "WARNING"}

_RECORD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {
    "asctime",
    "aws_request_id",
    "message",
    "taskName",
    "tenant_id",
}


_OWN_KEYS = frozenset(
    ["timestamp", "level", "message", "logger", "stackTrace", "errorType", "errorMessage", "requestId", "location"],
)
"""What an `extra=` field cannot be called."""

quoted = json.encoder.encode_basestring
"""Encodes a string as JSON, what is not ASCII as it is."""


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
    """One JSON object per record: AWS's client's keys in its order, and `traceId`; `extra=` fields as they are."""

    def __init__(self) -> None:
        super().__init__()
        # json.dumps() would make an encoder for every record. default=str: no record is lost for what it holds.
        self._encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
        self._second = 0
        self._stamp = ""

    def format(self, record: logging.LogRecord) -> str:
        """Give the record's one line, without its end."""
        second = int(record.created)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        level = record.levelname if record.levelno in FRAME_TYPES else logging.getLevelName(rounded_level(record))
        message = record.msg if isinstance(record.msg, dict) and not record.args else record.getMessage()
        # By hand, because the encoder needs four times as long for what is nearly always a few strings.
        text = (
            f'{{"timestamp": "{self._stamp}.{int(record.msecs):03d}Z", "level": {quoted(level)}, '
            f'"message": {quoted(message) if type(message) is str else self._encode(message)}, '
            f'"logger": {quoted(record.name)}'
        )
        invocation = current.get()
        error = None
        if record.exc_info:
            _, error, tb = record.exc_info
            if error is not None:
                text += (
                    f', "stackTrace": {self._encode(traceback.format_tb(tb))}, "errorType": '
                    f'{quoted(type(error).__name__)}, "errorMessage": {quoted(message_of(error))}'
                )
        if invocation is not None:
            text += f', "requestId": {quoted(invocation.request_id)}'
        if error is not None:
            text += f', "location": {quoted(f"{record.pathname}:{record.funcName}:{record.lineno}")}'
        tenant_id = trace_id = None
        if invocation is not None:
            if (tenant_id := invocation.tenant_id) is not None:
                text += f', "tenantId": {quoted(tenant_id)}'
            if (trace_id := invocation.trace_id) is not None:
                text += f', "traceId": {quoted(trace_id)}'
        if not _RECORD_ATTRIBUTES.issuperset(record.__dict__):  # few records have `extra=` fields
            taken = {"tenantId": tenant_id, "traceId": trace_id}
            for name, value in record.__dict__.items():
                if name in _RECORD_ATTRIBUTES or name in _OWN_KEYS or taken.get(name) is not None:
                    continue
                if value is not None:
                    text += f", {quoted(name)}: {self._encode(value)}"
        return text + "}"


def rounded_level(record: logging.LogRecord) -> int:
    """Give a record's level as one of the six that Lambda knows: the next one below, as AWS's client does."""
    return min(50, max(0, record.levelno)) // 10 * 10


class LambdaOutput(logging.Handler):
    """Writes whole records to where `configure()` says, with the request id for formatters of the user's own."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        invocation = current.get()
        # The names that AWS's client gives them: formatters of the user's own ask for them.
        record.aws_request_id = "" if invocation is None else invocation.request_id
        record.tenant_id = None if invocation is None else invocation.tenant_id
        try:
            _output.write(self.format(record), record)
        except Exception:  # noqa: BLE001 - logging must not break what it logs; the standard library reports it
            self.handleError(record)


class StandardOutput:
    """Writes to the standard output of the moment, which tests and users may replace."""

    def write(self, text: str, record: logging.LogRecord | None = None) -> None:
        """Write a record and its line end in one call, so that threads do not mix their lines."""
        sys.stdout.write(text if text.endswith("\n") else text + "\n")


class TelemetryFrames:
    """Writes to Lambda's telemetry descriptor, where a record is a frame and may have any number of lines.

    A frame is its type, its length (4 bytes each), the time in microseconds (8 bytes), all big-endian, and the record.
    What the application prints goes to standard output as ever, as under AWS's client. Source: awslambdaric.
    """

    def __init__(self, descriptor: int, *, as_json: bool, levels: bool) -> None:
        """`levels`: the type tells the level; AWS's client leaves it out of text where no level was asked for."""
        self._descriptor = descriptor
        # Records have a lock of their own, lines of metrics do not. Re-entrant: a signal's handler may log.
        self._lock = threading.RLock()
        self._kind = 0 if as_json else 1
        self._levels = levels

    def write(self, text: str, record: logging.LogRecord | None = None) -> None:
        """Write one frame, and nothing of another in between."""
        data = text.encode("utf-8", "backslashreplace")
        level = rounded_level(record) if record is not None and self._levels else logging.NOTSET
        frame_type = FRAME_TYPES[level] | self._kind
        head = (
            frame_type.to_bytes(4, "big") + len(data).to_bytes(4, "big") + (time.time_ns() // 1000).to_bytes(8, "big")
        )
        frame = memoryview(head + data)
        with self._lock:
            while frame:  # a pipe that is nearly full takes a part of it
                frame = frame[os.write(self._descriptor, frame) :]


FRAME_TYPES = {
    logging.NOTSET: 0xA55A0002,
    logging.DEBUG: 0xA55A000A,
    logging.INFO: 0xA55A000E,
    logging.WARNING: 0xA55A0012,
    logging.ERROR: 0xA55A0016,
    logging.CRITICAL: 0xA55A001A,
}
"""The types of frames with JSON; those with text are higher by one."""

_output: StandardOutput | TelemetryFrames = StandardOutput()


def write_line(text: str) -> None:
    """Write a line that is no log record, such as one of metrics, to where the records go."""
    _output.write(text)


def configure(*, as_json: bool, level: str | None, telemetry: int | None = None, limited: bool = False) -> None:
    """Send what is logged to standard output, or to the telemetry descriptor, as Lambda wants it.

    `level` is AWS_LAMBDA_LOG_LEVEL; without it JSON begins at INFO and text at WARNING, as under AWS's client, except
    for everloop's own few lines. `limited`: lines may not be longer than 64 KiB (Managed Instances).
    """
    global _output
    prepare_output(sys.stdout)
    if telemetry is not None:
        _output = TelemetryFrames(telemetry, as_json=as_json, levels=as_json or level is not None)
    in_lines = telemetry is not None or sys.stdout.isatty()
    handler = LambdaOutput()
    formatter: logging.Formatter
    if limited:
        from everloop.long_lines import JsonFormatterInParts, limit_lines  # for those who have several slots

        limit_lines()
        formatter = JsonFormatterInParts()
    else:
        formatter = JsonFormatter() if as_json else TextFormatter("\n" if in_lines else "\r")
    handler.setFormatter(formatter)
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
