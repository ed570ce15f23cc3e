"""The record of a failure: whole, with what Lambda is told, and written whatever `logging` was told to drop."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from support.environment import Environment, Launcher
from support.sample_events import function_url

RIC = [sys.executable, "-m", "awslambdaric"]
JSON = {"AWS_LAMBDA_LOG_FORMAT": "JSON"}


def fail(env: Environment) -> str:
    """Let the handler raise; gives the id of the request."""
    exchange = env.invoke(function_url("/raise"))
    exchange.wait()
    return exchange.request_id


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
@pytest.mark.parametrize("handler", ["app", "function", "wsgi"])
@pytest.mark.parametrize(
    "how",
    [
        {"MUTED": "dictConfig"},
        {"MUTED": "dictConfig", "WHEN": "lifespan"},
        {"MUTED": "disable"},
        {"MUTED": "no handlers"},
        {"AWS_LAMBDA_LOG_LEVEL": "CRITICAL"},
        {"AWS_LAMBDA_LOG_LEVEL": "FATAL"},
    ],
    ids=lambda how: " ".join(how.values()),
)
def test_a_failure_is_logged_whatever_logging_was_told(
    launch: Launcher, handler: str, how: dict[str, str], log_format: str
) -> None:
    """With its traceback and the request id, once: what AWS's client writes past `logging` is never lost here."""
    env = launch(f"muted:{handler}", {**how, "AWS_LAMBDA_LOG_FORMAT": log_format})
    for number in (1, 2):
        request_id = fail(env)
        [line] = [line.text for line in env.process.wait_for_logs("out of stock", number) if request_id in line.text]
        assert "muted.py" in line
    env.api.wait_for_poll()
    assert len(env.process.logged("muted.py")) == 2


@pytest.mark.parametrize("how", [{"MUTED": "disable"}, {"AWS_LAMBDA_LOG_LEVEL": "CRITICAL"}], ids=str)
def test_no_more_is_written_than_by_aws_client(launch: Launcher, how: dict[str, str]) -> None:
    """The level is the user's word for everything that is no failure."""
    lines = []
    for command in ([*RIC, "muted.function"], None):
        env = launch(None if command else "muted.function", how, command=command)
        env.invoke({}).wait()
        env.process.wait_for_log("out of stock")
        env.api.wait_for_poll()
        assert "the user's own" not in env.process.log
        lines.append(len(env.process.logged(r"\[ERROR\]")))
    assert lines == [1, 1]


def test_a_configuration_that_replaces_the_handler_gets_the_failure(launch: Launcher) -> None:
    """`fileConfig()` on the first call: in the user's form, by the user's handler."""
    env = launch("muted:app", {"MUTED": "fileConfig"})
    fail(env)
    env.process.wait_for_log("^The application raised$")
    env.process.wait_for_log("^ValueError: out of stock$")


def test_a_level_that_is_set_by_name_holds(launch: Launcher) -> None:
    """Who turns everloop's own logger down means it."""
    env = launch("muted:app", {"MUTED": "by name"})
    fail(env)
    env.process.wait_for_log("the user's own")
    env.api.wait_for_poll()
    assert "out of stock" not in env.process.log


def test_other_lines_outlive_a_configuration_too(launch: Launcher) -> None:
    """The access log, for one."""
    env = launch("muted:app", {"MUTED": "dictConfig", "EVERLOOP_ACCESS_LOG": "on", "AWS_LAMBDA_LOG_LEVEL": "INFO"})
    env.answers(function_url())
    env.process.wait_for_log("path=/ status=200")


def record_of(env: Environment, pattern: str) -> Any:
    return json.loads(env.process.wait_for_log(pattern).text)


@pytest.mark.parametrize("env", [JSON, {}], ids=["JSON", "Text"])
def test_a_failed_startup_has_the_frames_of_what_failed(launch: Launcher, env: dict[str, str]) -> None:
    """Lambda is told where the user's code raised, and the record has the error itself."""
    started = launch("raising:lifespan", env)
    error = started.api.wait_for_request("init/error").json()
    assert "raise ConnectionError" in error["stackTrace"][-1]
    assert not [frame for frame in error["stackTrace"] if "/runtime/everloop/" in frame]
    if not env:
        started.process.wait_for_log("Runtime.LifespanFailed.*raise ConnectionError")
        return
    record = record_of(started, "Runtime.LifespanFailed")
    assert (record["errorType"], record["stackTrace"]) == ("Runtime.LifespanFailed", error["stackTrace"])
    [cause] = record["causes"]
    assert (cause["errorType"], cause["errorMessage"]) == ("ConnectionError", "db down")


def test_the_errors_in_a_group_are_in_the_record(launch: Launcher) -> None:
    """A TaskGroup's own message says nothing."""
    env = launch("raising:group", JSON)
    env.invoke(function_url()).response()
    record = record_of(env, "The application raised")
    assert record["errorType"] == "ExceptionGroup"
    [cause] = record["causes"]
    assert (cause["errorType"], cause["errorMessage"]) == ("ConnectionError", "db down")
    assert "raise ConnectionError" in cause["stackTrace"][-1]


@pytest.mark.parametrize(("handler", "pattern"), [("chained", "LookupError: no order"), ("logs_chained", "caught one")])
def test_the_cause_of_an_error_is_in_the_record(launch: Launcher, handler: str, pattern: str) -> None:
    """Of a failure, and of an exception that the user logs; what Lambda is told stays as AWS's client tells it."""
    env = launch(f"raising.{handler}", JSON)
    exchange = env.invoke({}).wait()
    record = record_of(env, pattern)
    [cause] = record["causes"]
    assert (cause["errorType"], cause["errorMessage"]) == ("ConnectionError", "db down")
    assert "raise ConnectionError" in cause["stackTrace"][-1]
    assert ("location" in record) is (handler == "logs_chained")
    if handler == "chained":
        assert record["stackTrace"] == exchange.request.json()["stackTrace"]


def test_a_syntax_error_has_its_place(launch: Launcher, tmp_path: Path) -> None:
    """The same line that AWS's client tells: a message has no more than the file's name, which many files have."""
    package = tmp_path / "synpkg"
    package.mkdir()
    (package / "__init__.py").write_text("x = (\n", encoding="utf-8")
    stacks = []
    for command in ([*RIC, "synpkg.app"], None):
        env = launch(None if command else "synpkg.app", JSON, command=command, task_root=tmp_path)
        error = env.api.wait_for_request("init/error").json()
        assert record_of(env, r'"level": "(ERROR|CRITICAL)"')["stackTrace"] == error["stackTrace"]
        stacks.append(error["stackTrace"])
    assert stacks[0] == stacks[1] == [f'  File "{package}/__init__.py" Line 1\n    x = (\n']


@pytest.mark.parametrize(
    ("handler", "event"),
    [
        ("raising.unserialisable", b"{}"),
        ("raising.echo", b"{"),
        ("no_such_module.app", None),
        ("raising.nothing", None),
    ],
)
def test_the_record_has_what_lambda_is_told(launch: Launcher, handler: str, event: bytes | None) -> None:
    """Type, message and frames under the names of AWS's client, which has no location in a failure either."""
    types = []
    for command in ([*RIC, handler], None):
        env = launch(None if command else handler, JSON, command=command)
        error = env.api.wait_for_request("init/error").json() if event is None else env.invoke(event).error()
        record = record_of(env, '"errorType": "Runtime')
        assert {name: record[name] for name in ("errorType", "errorMessage", "stackTrace")} == {
            name: error[name] for name in ("errorType", "errorMessage", "stackTrace")
        }
        assert "location" not in record
        types.append(record["errorType"])
    assert types[0] == types[1]


def test_an_attribute_of_the_users_exception_is_no_error_type(launch: Launcher) -> None:
    """Only everloop's own errors say by themselves what Lambda is told."""
    env = launch("raising:named_factory()")
    assert env.api.wait_for_request("init/error").json()["errorType"] == "Named"
    env = launch("raising:named", {"EVERLOOP_RESPONSE_MODE": "streaming"})
    exchange = env.invoke(function_url()).wait()
    assert exchange.request.trailer_error()["errorType"] == "Named"
