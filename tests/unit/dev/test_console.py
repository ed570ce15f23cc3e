"""What the terminal shows: REPORT lines, the runtime's lines, numbers."""

import io
import re

import pytest

from everloop.dev.console import Console
from everloop.dev.console.log_lines import readable
from everloop.dev.console.report import duration, progress, report, size
from everloop.dev.console.style import Style, wanted
from everloop.dev.gateway.problems import ADVICE
from everloop.dev.journal import Journal, LogLine, Record

PLAIN = Style(False)
COLOURED = Style(True)


def record(**fields: object) -> Record:
    made = Record(7, "id", "function-url", "GET /a", b"{}", 100.0, started_at=100.0)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"status": 200, "finished_at": 100.0123, "first_byte_at": 100.002, "response_bytes": 1230},
            "REPORT #7 GET /a  200  12.3 ms  first byte 2.0 ms  1.23 kB",
        ),
        (
            {"status": 502, "failure": "function", "error_type": "Function.ValueError", "finished_at": 101.5},
            "REPORT #7 GET /a  502 Function.ValueError  1.50 s  0 B",
        ),
        (
            {
                "status": 502,
                "failure": "exit",
                "error_type": "Runtime.ExitError",
                "error": b'{"errorMessage": "RequestId: id Error: Runtime exited with error: signal: killed"}',
                "finished_at": 101.5,
            },
            "REPORT #7 GET /a  502 Runtime.ExitError: signal: killed  1.50 s  0 B",
        ),
        (
            {"finished_at": 100.5, "memory_mb": 41.2, "response_mode": "streaming", "init_seconds": 0.25},
            "REPORT #7 GET /a  ok  500 ms  0 B streamed  41 MB  init 250 ms",
        ),
        (
            {
                "status": 502,
                "error_type": "Gateway.MalformedAnswer",
                "error": b'{"errorMessage": "body is dict; it must be a string. %s"}' % ADVICE.encode(),
                "finished_at": 100.5,
            },
            "REPORT #7 GET /a  502 Gateway.MalformedAnswer: body is dict; it must be a string.  500 ms  0 B",
        ),
        ({"finished_at": 100.5, "client_gone": True}, "REPORT #7 GET /a  ok  500 ms  0 B  client gone"),
    ],
)
def test_a_report_line(fields: dict[str, object], line: str) -> None:
    """Only what is known."""
    assert report(record(**fields), PLAIN) == line


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (80, "#7 GET /a/long/path  1.23 kB  500 ms …  (and 1 more)"),
        (44, "#7 GET /a/…  1.23 kB  500 ms …  (and 1 more)"),
        (20, "…  1.23 kB  500 ms …"),
    ],
)
def test_a_progress_line_is_as_wide_as_the_terminal(width: int, line: str) -> None:
    """Where it does not fit, the name gives way, not what has come."""
    told = progress(record(label="GET /a/long/path", response_bytes=1230), 100.5, width, "  (and 1 more)")

    assert len(told) <= width
    assert told == line


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.0001, "0.1 ms"), (0.0999, "99.9 ms"), (0.1, "100 ms"), (1, "1.00 s")],  # noqa: RUF001
)
def test_durations(seconds: float | None, text: str) -> None:
    """As people read them."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (999_600, "1 MB"), (104_857_600, "105 MB"), (2e9, "2 GB")],
)
def test_sizes(count: float, text: str) -> None:
    """In powers of 1000."""
    assert size(count) == text


TRACEBACK = (
    "[ERROR]\t2026-11-25T04:14:10.354Z\tid\tThe application raised\rTraceback (most recent call last):\r\u00a0 "
    'File "/home/me/main.py", line 4, in load\r\u00a0   raise ValueError()\rValueError: no'
)


def test_records_of_several_lines_are_lines_again() -> None:
    """Carriage returns and no-break spaces are for CloudWatch."""
    assert readable(TRACEBACK, PLAIN).split("\n")[1:] == [
        "Traceback (most recent call last):",
        '  File "/home/me/main.py", line 4, in load',
        "    raise ValueError()",
        "ValueError: no",
    ]


def test_tracebacks_are_coloured() -> None:
    """The level, the user's own frames and the exception; without the colours the text is the same."""
    coloured = readable(TRACEBACK, COLOURED)

    assert "\033[31m[ERROR]\033[0m" in coloured
    assert '\033[1;36mFile "/home/me/main.py", line 4\033[0m, in load' in coloured
    assert coloured.endswith("\033[1;31mValueError: no\033[0m")
    assert re.sub(r"\033\[[\d;]*m", "", coloured) == readable(TRACEBACK, PLAIN)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals_that_want_them(environ: dict[str, str], expected: bool) -> None:
    """NO_COLOR counts where it is not empty."""
    assert wanted(Terminal(), environ) is expected
    assert wanted(io.StringIO(), environ) is False


def test_a_status_that_comes_after_the_end_is_waited_for() -> None:
    """The front end answers its client when the function has already polled again."""
    output, journal = io.StringIO(), Journal()
    console = Console(output, {})
    console.follow(journal)
    made = journal.open("id", source="function-url", label="GET /", event=b"{}")
    made.started_at, made.finished_at = made.received_at, made.received_at + 1
    journal.changed(made)
    assert output.getvalue() == ""

    made.status = 204
    journal.changed(made)
    journal.changed(made)

    assert output.getvalue().count("REPORT #1 GET /  204  1.00 s") == 1


def test_lines_of_several_environments_say_whose_they_are() -> None:
    """Each of a record's lines."""
    output = io.StringIO()
    Console(output, {}, several=True).logged(LogLine(0, "stdout", "a\rb"), record(environment=3))

    assert output.getvalue() == "3 │ a\n3 │ b\n"


def test_a_buffered_event_stream_is_pointed_out_once() -> None:
    """Whoever sees no stream is told why."""
    output, journal = io.StringIO(), Journal()
    Console(output, {}).follow(journal)
    for _ in range(2):
        made = journal.open("id", source="invoke", label="", event=b"{}")
        journal.changed(made)
        made.response_mode, made.finished_at = "buffered", made.received_at
        made.response += b'{"statusCode":200,"headers":{"content-type":"text/event-stream"},"body":"data: 1"}'
        journal.changed(made)

    assert output.getvalue().count("REPORT") == 2
    assert output.getvalue().count("--mode streaming") == 1
