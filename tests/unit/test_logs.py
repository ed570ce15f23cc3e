"""Log records beside those of AWS's client, byte for byte where they should agree, and telemetry frames."""

import io
import json
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from awslambdaric.bootstrap import FramedTelemetryLogSink, LambdaLoggerHandlerWithFrameType
from awslambdaric.lambda_runtime_log_utils import _TEXT_FRAME_TYPES
from awslambdaric.lambda_runtime_log_utils import JsonFormatter as AwsJson
from hypothesis import given
from hypothesis import strategies as st

from everloop import logs
from everloop.invocation import Invocation, current
from everloop.records import Failure, MarkedRecord
from everloop.telemetry_frames import TelemetryFrames

REQUEST_ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
LEVELS = [10, 20, 30, 40, 50, 5, 25, 35, 60, 0]
AWS_TEXT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"


@pytest.fixture(autouse=True)
def invocation() -> Iterator[Invocation]:
    """An invocation with a tenant, and without a trace id: that key is everloop's own."""
    made = Invocation(
        {b"Lambda-Runtime-Aws-Request-Id": REQUEST_ID.encode(), b"Lambda-Runtime-Aws-Tenant-Id": b"blue"}, b"{}"
    )
    token = current.set(made)
    converter, logging.Formatter.converter = logging.Formatter.converter, time.gmtime  # as AWS's client sets it
    yield made
    logging.Formatter.converter = converter
    current.reset(token)


def record(message: Any = "a line", *args: Any, level: int = 20, **extra: Any) -> logging.LogRecord:
    made = logging.getLogger("courier").makeRecord("courier", level, "/var/task/main.py", 7, message, args, None)
    made.__dict__.pop("taskName", None)  # AWS's client takes it for a field of the user's, where Python has it
    made.__dict__.update(extra)
    return made


def failed(level: int = 40) -> logging.LogRecord:
    made = record("it failed", level=level)
    try:
        raise KeyError("lost")
    except KeyError:
        made.exc_info = sys.exc_info()
    return made


def as_aws_sees_it(found: logging.LogRecord) -> logging.LogRecord:
    copy = logging.makeLogRecord(found.__dict__)
    copy.__dict__.pop("taskName", None)
    copy.aws_request_id, copy.tenant_id = REQUEST_ID, "blue"
    return copy


def without_milliseconds(text: str) -> str:
    return re.sub(r"(\"timestamp\": \"[^.\"]+)\.\d{3}Z", r"\1Z", text)


RECORDS = [
    record("plain"),
    record("with %s and %d", "values", 3),
    record("ümläut \u2028 and \U0001f680"),
    record("two\nlines"),
    record({"already": "a dict", "n": 1}),
    record("extra", order=17, path=None, nested={"a": [1, 2]}, odd=object),
    failed(),
    *(record("level", level=level) for level in LEVELS),
]


@pytest.mark.parametrize("found", RECORDS, ids=range(len(RECORDS)))
def test_json_is_what_aws_client_writes(found: logging.LogRecord) -> None:
    """The same keys in the same order with the same values; the time has milliseconds on top."""
    ours = logs.JsonFormatter().format(found) + "\n"
    theirs = AwsJson().format(as_aws_sees_it(found))
    assert without_milliseconds(ours) == theirs
    assert json.loads(ours)["requestId"] == REQUEST_ID


def test_json_has_the_trace_id_on_top() -> None:
    """Where an invocation brings one."""
    headers = {b"Lambda-Runtime-Aws-Request-Id": b"1", b"Lambda-Runtime-Trace-Id": b"Root=1"}
    token = current.set(Invocation(headers, b"{}"))
    try:
        assert json.loads(logs.JsonFormatter().format(record()))["traceId"] == "Root=1"
    finally:
        current.reset(token)


LINES = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]))


@given(message=LINES, level=st.sampled_from(LEVELS))
def test_text_is_what_aws_client_writes(message: str, level: int) -> None:
    """Records of one line agree byte for byte."""
    found = record("%s", message, level=level)
    made = Invocation({b"Lambda-Runtime-Aws-Request-Id": REQUEST_ID.encode()}, b"{}")
    token = current.set(made)
    try:
        ours = logs.TextFormatter().format(found) + "\n"
    finally:
        current.reset(token)
    theirs = logging.Formatter(AWS_TEXT, "%Y-%m-%dT%H:%M:%S").format(as_aws_sees_it(found))
    assert ours == theirs


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("level", LEVELS)
def test_frames_are_what_aws_client_writes(as_json: bool, level: int) -> None:
    """Type, length and record; only the time differs."""
    found = record("zwölf\nlines", level=level)
    text = logs.TextFormatter("\n").format(found)
    ours = through_a_pipe(lambda end: TelemetryFrames(end, as_json=as_json, levels=True).write(text, found))

    def theirs_written(end: int) -> None:
        with FramedTelemetryLogSink(os.dup(end)) as sink:
            handler = LambdaLoggerHandlerWithFrameType(sink)
            handler.setFormatter(AwsJson() if as_json else None)
            handler.emit(as_aws_sees_it(found))

    theirs = through_a_pipe(theirs_written)
    assert ours[:4] == theirs[:4]
    assert int.from_bytes(ours[4:8], "big") == len(ours) - 16 == len(text.encode())
    assert abs(int.from_bytes(ours[8:16], "big") - int.from_bytes(theirs[8:16], "big")) < 60_000_000
    assert ours[16:].decode() == text


def test_frames_without_a_level_of_text() -> None:
    """AWS's client leaves the level out where none was asked for."""
    frame = through_a_pipe(lambda end: TelemetryFrames(end, as_json=False, levels=False).write("x", record()))
    assert frame[:4] == _TEXT_FRAME_TYPES[logging.NOTSET]


def test_a_frame_of_a_failure_has_its_level_in_any_case() -> None:
    """As under AWS's client, which asks for none there."""
    found = MarkedRecord.of(failed(), Failure("KeyError", "'lost'", [], []))
    frame = through_a_pipe(lambda end: TelemetryFrames(end, as_json=False, levels=False).write("x", found))
    assert frame[:4] == _TEXT_FRAME_TYPES[logging.ERROR]


def test_the_last_record_is_a_frame() -> None:
    """Where the descriptor is."""
    frame = through_a_pipe(lambda end: TelemetryFrames(end, as_json=True, levels=True).write_last("x", record()))
    assert frame[16:] == b"x"


def test_the_last_record_does_not_wait_for_a_thread_that_hangs(capfd: pytest.CaptureFixture[str]) -> None:
    """It is a line of standard output then."""
    frames = TelemetryFrames(-1, as_json=True, levels=True)
    holder = threading.Thread(target=frames._lock.acquire)
    holder.start()
    holder.join()
    frames.write_last("cut short", record())
    assert capfd.readouterr().out == "cut short\n"


def test_a_large_frame_is_whole_through_a_pipe_that_is_nearly_full() -> None:
    """Larger than the pipe: written in parts, without a byte between them."""
    frame = through_a_pipe(lambda end: TelemetryFrames(end, as_json=True, levels=True).write("x" * 300_000))
    assert frame[16:] == b"x" * 300_000


def test_large_frames_of_several_threads_do_not_mix() -> None:
    """A pipe takes a large frame in parts, and another thread's must wait: metrics have no lock of their own."""

    def write(end: int) -> None:
        frames = TelemetryFrames(end, as_json=True, levels=True)

        def write_twenty(letter: str) -> None:
            for _ in range(20):
                frames.write(letter * 150_000)

        writers = [threading.Thread(target=write_twenty, args=(letter,)) for letter in "ab"]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()

    found = through_a_pipe(write)
    records = []
    while found:
        length = int.from_bytes(found[4:8], "big")
        records.append(found[16 : 16 + length])
        found = found[16 + length :]
    assert sorted(records) == [b"a" * 150_000] * 20 + [b"b" * 150_000] * 20


def through_a_pipe(write: Any) -> bytes:
    reading, writing = os.pipe()
    found = io.BytesIO()

    def read() -> None:
        while data := os.read(reading, 65536):
            found.write(data)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        write(writing)
    finally:
        os.close(writing)
        reader.join()
        os.close(reading)
    return found.getvalue()


def test_a_formatter_of_the_user_s_own_finds_what_aws_s_client_gives(capsys: pytest.CaptureFixture[str]) -> None:
    """Request id and tenant, and nothing of either outside of an invocation."""
    handler = logs.LambdaOutput()
    handler.setFormatter(logging.Formatter("%(aws_request_id)s %(tenant_id)s %(message)s"))
    handler.handle(record("inside"))
    token = current.set(None)
    handler.handle(record("outside"))
    current.reset(token)

    assert capsys.readouterr().out.splitlines() == [f"{REQUEST_ID} blue inside", " None outside"]
