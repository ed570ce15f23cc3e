"""What Lambda writes into a function's log around an invocation, and the end of it that callers may ask for."""

import base64
import math
from collections.abc import Iterator

from everloop.dev.config import FunctionConfig
from everloop.dev.journal import Record

TAIL = 4096
"""Bytes of the log that `LogType=Tail` gives."""


def report(record: Record, config: FunctionConfig) -> str:
    """Give the REPORT line, without its end. An invocation that still works is counted up to its response."""
    end = record.finished_at or record.responded_at or record.started_at
    milliseconds = 0.0 if record.started_at is None or end is None else (end - record.started_at) * 1000
    init = None if record.init_seconds is None else record.init_seconds * 1000
    parts = [
        f"REPORT RequestId: {record.request_id}",
        f"Duration: {milliseconds:.2f} ms",
        f"Billed Duration: {math.ceil(milliseconds + (init or 0))} ms",
        f"Memory Size: {config.memory} MB",
        f"Max Memory Used: {math.ceil(record.memory_mb or 0)} MB",
    ]
    if init is not None:
        parts.append(f"Init Duration: {init:.2f} ms")
    if record.failure is not None:
        parts += [
            f"Status: {'timeout' if record.failure == 'timeout' else 'error'}",
            f"Error Type: {record.error_type}",
        ]
    return "\t".join(parts)


def log_lines(record: Record, config: FunctionConfig) -> Iterator[str]:
    """Give the log of an invocation as CloudWatch shows it."""
    started = record.started_at or 0.0
    yield from (line.text for line in record.logs if line.at < started)
    yield f"START RequestId: {record.request_id} Version: {config.version}"
    yield from (line.text for line in record.logs if line.at >= started)
    yield f"END RequestId: {record.request_id}"
    yield report(record, config)


def log_tail(record: Record, config: FunctionConfig) -> str:
    """Give the last 4 KB of an invocation's log in base64: `X-Amz-Log-Result`."""
    text = "".join(f"{line}\n" for line in log_lines(record, config)).encode()
    return base64.b64encode(text[-TAIL:]).decode("ascii")
