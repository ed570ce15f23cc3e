"""Lines in their records, the log's tail, and the memory's gauge."""

import base64
import os
from pathlib import Path

from everloop.dev.calls import Call
from everloop.dev.config import FunctionConfig
from everloop.dev.executions import Work
from everloop.dev.journal import KEPT_LINES, Journal, LogLine
from everloop.dev.log_book import LogBook
from everloop.dev.log_tail import log_lines, log_tail
from everloop.dev.memory import MemoryGauge, peak_mb

CONFIG = FunctionConfig(handler="", task_root=Path(), memory=256)


def work(request_id: str) -> Work:
    journal = Journal()
    call = Call(payload=b"")
    return Work(call, journal.open(request_id, source="", label="", event=b""), journal, None)


def test_lines_before_the_first_invocation_are_its_beginning() -> None:
    """The story of the start is told once, in the first record; later lines are of the latest invocation."""
    book = LogBook(side_by_side=False)
    first, second = work("1"), work("2")
    assert book.keep("stdout", "starting", [])[1] is None
    book.turn_to(first.record, 0.5)
    book.keep("stdout", "one", [first])
    book.turn_to(second.record, 0.5)
    book.keep("stderr", "two", [])
    assert [line.text for line in first.record.logs] == ["starting", "one"]
    assert [line.text for line in second.record.logs] == ["two"]
    assert (first.record.init_seconds, second.record.init_seconds) == (0.5, None)


def test_side_by_side_a_line_is_of_the_invocation_it_names() -> None:
    """Else of the only one; else of nobody."""
    book = LogBook(side_by_side=True)
    first, second = work("id-1"), work("id-2")
    book.turn_to(first.record, None)
    book.turn_to(second.record, None)
    assert book.keep("stdout", '{"requestId": "id-1"}', [first, second])[1] is first.record
    assert book.keep("stdout", "unnamed", [first, second])[1] is None
    assert book.keep("stdout", "unnamed", [second])[1] is second.record


def test_a_record_keeps_its_first_lines() -> None:
    """A function that never stops talking does not fill the memory."""
    book = LogBook(side_by_side=False)
    one = work("1")
    book.turn_to(one.record, None)
    for number in range(KEPT_LINES + 10):
        book.keep("stdout", str(number), [])
    assert len(one.record.logs) == KEPT_LINES


def test_the_status_that_a_caller_reads_is_known_before_the_end() -> None:
    """The REPORT line of a WebSocket's event does not wait for its caller."""
    journal = Journal()
    call = Call(payload=b"", read_status=len)
    one = Work(call, journal.open("1", source="", label="", event=b""), journal, None)
    told: list[int | None] = []
    journal.listen(lambda record: told.append(record.status))
    one.piece(b"12")
    one.piece(b"3")
    one.complete()
    assert told == [3]


def test_the_log_of_an_invocation() -> None:
    """Lines of the start, START, its lines, END, REPORT with everything that Lambda reports."""
    record = work("abc").record
    record.started_at, record.finished_at, record.init_seconds, record.memory_mb = 100.0, 100.0125, 0.25, 40.2
    record.logs = [LogLine(99.0, "stdout", "starting"), LogLine(100.01, "stdout", "working")]
    assert list(log_lines(record, CONFIG)) == [
        "starting",
        "START RequestId: abc Version: $LATEST",
        "working",
        "END RequestId: abc",
        "REPORT RequestId: abc\tDuration: 12.50 ms\tBilled Duration: 263 ms\tMemory Size: 256 MB\t"
        "Max Memory Used: 41 MB\tInit Duration: 250.00 ms",
    ]
    record.failure, record.error_type = "timeout", "Sandbox.Timedout"
    assert list(log_lines(record, CONFIG))[-1].endswith("\tStatus: timeout\tError Type: Sandbox.Timedout")
    record.logs += [LogLine(101.0, "stdout", "x" * 1000)] * 10
    assert len(base64.b64decode(log_tail(record, CONFIG))) == 4096


def test_memory() -> None:
    """This process has had some; one that is gone is remembered."""
    mine = peak_mb(os.getpid())
    assert mine is not None
    assert mine > 5
    gauge = MemoryGauge()
    seen = gauge.peak_mb(os.getpid())
    assert seen is not None
    assert gauge.peak_mb(2**22 + 1) == seen
    assert peak_mb(2**22 + 1) is None
