"""Records that know whose they are when another thread writes them, and what led to an error."""

import copy
import json
import logging
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import everloop
from everloop import failures, logs
from everloop.invocation import Invocation, current
from everloop.long_lines import JsonFormatterInParts
from everloop.records import Failure, MarkedRecord, Record
from everloop.report import causes_of

IDS = {b"Lambda-Runtime-Aws-Request-Id": b"1", b"Lambda-Runtime-Aws-Tenant-Id": b"t", b"Lambda-Runtime-Trace-Id": b"r"}


@pytest.fixture
def serving() -> Iterator[None]:
    token = current.set(Invocation(IDS, b"{}"))
    yield
    current.reset(token)


def made(message: str = "a line") -> Record:
    return Record("shop", logging.INFO, "main.py", 7, message, (), None)


def written(record: logging.LogRecord, formatter: type[logs.JsonFormatter] = logs.JsonFormatter) -> list[Any]:
    """The record as it is written outside of an invocation."""
    token = current.set(None)
    try:
        return [json.loads(line) for line in formatter().format(record).split("\n")]
    finally:
        current.reset(token)


@pytest.mark.usefixtures("serving")
def test_a_copy_keeps_the_ids() -> None:
    """And a copy of it, too; its attributes are those of the record and no more."""
    record = made()
    for copied in (copy.copy(record), copy.copy(copy.copy(record))):
        [line] = written(copied)
        assert (line["requestId"], line["tenantId"], line["traceId"]) == ("1", "t", "r")
        assert vars(copied) == vars(record)
    assert "requestId" not in written(record)[0]


def test_a_copy_of_what_is_nobodys_stays_so() -> None:
    """Start-up's records may be written while an invocation is served."""
    copied = copy.copy(made())
    token = current.set(Invocation(IDS, b"{}"))
    try:
        assert "requestId" not in json.loads(logs.JsonFormatter().format(copied))
    finally:
        current.reset(token)


@pytest.mark.usefixtures("serving")
def test_a_record_on_its_way_to_another_process_is_the_standard_librarys() -> None:
    """Nothing of everloop is needed to read it."""
    data = pickle.dumps(copy.copy(made("kept")))
    assert b"everloop" not in data
    assert b"kept" in data


@pytest.mark.usefixtures("serving")
def test_the_parts_of_a_copy_keep_the_ids() -> None:
    """A record that is too long for a line, out of a queue."""
    lines = written(copy.copy(made("x" * 100_000)), JsonFormatterInParts)
    assert len(lines) > 1
    assert {line["requestId"] for line in lines} == {"1"}


def test_a_copy_of_a_failure_keeps_what_lambda_is_told() -> None:
    """`QueueHandler` takes the exception away."""
    copied = copy.copy(MarkedRecord.of(made(), Failure("Runtime.MarshalError", "no", ["frame"], [])))
    [line] = written(copied)
    assert (line["errorType"], line["errorMessage"], line["stackTrace"]) == ("Runtime.MarshalError", "no", ["frame"])
    assert "location" not in line
    assert "causes" not in line


@pytest.mark.usefixtures("serving")
def test_filters_on_the_handler_see_the_ids() -> None:
    """As under AWS's client, where a filter sets them."""
    seen: list[Any] = []
    handler = logs.LambdaOutput()

    def look(record: Any) -> bool:
        seen.append((record.aws_request_id, record.tenant_id))
        return False

    handler.addFilter(look)
    handler.handle(made())
    assert seen == [("1", "t")]


def test_all_of_the_own_loggers_are_kept() -> None:
    """Whatever a module calls its logger."""
    paths = [path for path in Path(everloop.__file__).parent.rglob("*.py") if "dev" not in path.parts]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    assert {name for text in texts for name in re.findall(r'getLogger\("(.+?)"\)', text)} == set(failures.NAMES)


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    error.__cause__ = cause
    return error


def test_causes_are_told_in_their_order() -> None:
    """Each has its own; what was suppressed is none."""
    error = raised(ValueError("c"), raised(KeyError("b"), OSError("a")))
    [cause] = causes_of(error)
    assert (cause["errorType"], cause["causes"][0]["errorMessage"]) == ("KeyError", "a")
    error = ValueError("c")
    error.__context__ = KeyError("b")
    assert [one["errorType"] for one in causes_of(error)] == ["KeyError"]
    error.__suppress_context__ = True
    assert causes_of(error) == []
    assert causes_of(None) == []


def test_causes_have_an_end() -> None:
    """Chains may be circular, and groups large."""
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first
    [cause] = causes_of(first)
    assert "causes" not in cause
    group = ExceptionGroup("many", [ExceptionGroup("some", [ValueError(n) for n in range(100)]) for _ in range(100)])
    assert len(json.dumps(causes_of(group)).split("errorType")) == 21


def test_an_exception_that_is_false_is_a_cause_too() -> None:
    """Users' exceptions may have any methods."""

    class Empty(Exception):
        def __len__(self) -> int:
            return 0

    assert [one["errorType"] for one in causes_of(raised(ValueError("c"), Empty()))] == ["Empty"]
