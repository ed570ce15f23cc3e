"""Log records as Lambda wants them: one line each, with the request id of the invocation that they belong to."""

import json
import logging
import os
import sys
import time
import traceback
from typing import Any, Protocol, TextIO

from everloop import failures
from everloop.records import Record, failure_of, ids_of
from everloop.report import causes_of, message_of

NO_BREAK_SPACE = "\u00a0"

_AWS_LEVELS = {"TRACE": "DEBUG", "FATAL": "CRITICAL", "WARN": "WARNING"}

_LEVELS = frozenset((0, 10, 20, 30, 40, 50))
"""Those that Lambda knows."""

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
        whose = ids_of(record)
        request_id = "" if whose is None else whose.request_id
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
    """One JSON object per record: AWS's client's keys in its order, `traceId`, `causes`, and the `extra=` fields."""

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
        level = record.levelname if record.levelno in _LEVELS else logging.getLevelName(rounded_level(record))
        message = record.msg if isinstance(record.msg, dict) and not record.args else record.getMessage()
        # By hand, because the encoder needs four times as long for what is nearly always a few strings.
        text = (
            f'{{"timestamp": "{self._stamp}.{int(record.msecs):03d}Z", "level": {quoted(level)}, '
            f'"message": {quoted(message) if type(message) is str else self._encode(message)}, '
            f'"logger": {quoted(record.name)}'
        )
        whose = ids_of(record)
        failure = failure_of(record)
        error = None
        if failure is not None:
            text += self._error(failure.stack, failure.error_type, failure.message)
        elif record.exc_info:
            _, error, tb = record.exc_info
            if error is not None:
                text += self._error(traceback.format_tb(tb), type(error).__name__, message_of(error))
        if whose is not None:
            text += f', "requestId": {quoted(whose.request_id)}'
        if error is not None and record.name.partition(".")[0] != "everloop":  # ours is where it is logged, and no help
            text += f', "location": {quoted(f"{record.pathname}:{record.funcName}:{record.lineno}")}'
        tenant_id = trace_id = causes = None
        if whose is not None:
            if (tenant_id := whose.tenant_id) is not None:
                text += f', "tenantId": {quoted(tenant_id)}'
            if (trace_id := whose.trace_id) is not None:
                text += f', "traceId": {quoted(trace_id)}'
        if failure is not None or error is not None:
            causes = failure.causes if failure is not None else causes_of(error)
            if causes:
                text += f', "causes": {self._encode(causes)}'
        if not _RECORD_ATTRIBUTES.issuperset(record.__dict__):  # few records have `extra=` fields
            taken = {"tenantId": tenant_id, "traceId": trace_id, "causes": causes or None}
            for name, value in record.__dict__.items():
                if name in _RECORD_ATTRIBUTES or name in _OWN_KEYS or taken.get(name) is not None:
                    continue
                if value is not None:
                    text += f", {quoted(name)}: {self._encode(value)}"
        return text + "}"

    def _error(self, stack: list[str], error_type: str, message: str) -> str:
        return (
            f', "stackTrace": {self._encode(stack)}, "errorType": {quoted(error_type)}, '
            f'"errorMessage": {quoted(message)}'
        )


def rounded_level(record: logging.LogRecord) -> int:
    """Give a record's level as one of the six that Lambda knows: the next one below, as AWS's client does."""
    return min(50, max(0, record.levelno)) // 10 * 10


class LambdaOutput(logging.Handler):
    """Writes whole records to where `configure()` says, with the request id for formatters of the user's own."""

    def filter(self, record: logging.LogRecord) -> Any:
        """Say whose a record is, then ask the filters; give what they say: from Python 3.12 it may be a record."""
        whose = ids_of(record)
        # The names that AWS's client gives them: filters and formatters of the user's own ask for them.
        if whose is None:
            record.aws_request_id, record.tenant_id = "", None
        else:
            record.aws_request_id, record.tenant_id = whose.request_id, whose.tenant_id
        return super().filter(record) if self.filters else True

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        try:
            _output.write(self.format(record), record)
        except Exception:  # noqa: BLE001 - logging must not break what it logs; the standard library reports it
            self.handleError(record)


class StandardOutput:
    """Writes to the standard output of the moment, which tests and users may replace."""

    def write(self, text: str, record: logging.LogRecord | None = None) -> None:
        """Write a record and its line end in one call, so that threads do not mix their lines."""
        sys.stdout.write(text if text.endswith("\n") else text + "\n")

    def write_last(self, text: str, record: logging.LogRecord) -> None:
        """Write a record past the stream, which a thread that hangs may have locked."""
        os.write(1, f"{text}\n".encode("utf-8", "backslashreplace"))


class Output(Protocol):
    """Where records go."""

    def write(self, text: str, record: logging.LogRecord | None = None) -> None:
        """Write a record, or a line that is none."""

    def write_last(self, text: str, record: logging.LogRecord) -> None:
        """Write a record from a thread while another one may be hanging in a write."""


_output: Output = StandardOutput()
_formatter: logging.Formatter = TextFormatter()


def write_line(text: str) -> None:
    """Write a line that is no log record, such as one of metrics, to where the records go."""
    _output.write(text)


def write_last(text: str) -> None:
    """Write a warning before the process is ended, from a thread. Not by logging: what hangs may hold its locks.

    Raises `OSError` where nobody reads.
    """
    record = logging.LogRecord("everloop", logging.WARNING, __file__, 0, text, (), None)
    _output.write_last(_formatter.format(record), record)


def configure(*, as_json: bool, level: str | None, telemetry: int | None = None, limited: bool = False) -> None:
    """Send what is logged to standard output, or to the telemetry descriptor, as Lambda wants it.

    `level` is AWS_LAMBDA_LOG_LEVEL; without it JSON begins at INFO, and text at WARNING but for everloop's own few
    lines. `limited`: lines may not be longer than 64 KiB (Managed Instances).
    """
    global _output, _formatter
    prepare_output(sys.stdout)
    if telemetry is not None:
        from everloop.telemetry_frames import TelemetryFrames  # for those whom Lambda offers it

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
    _formatter = formatter
    handler.setFormatter(formatter)
    failures.direct = handler
    failures.keep_own_loggers()
    logging.setLogRecordFactory(Record)
    logging.Formatter.converter = time.gmtime  # as AWS's client does: the times of the user's own formatters, too
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
