"""Every row of docs/awslambdaric-differences.md, seen: what AWS's client does with the same, and what everloop does."""

import json
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.answers import refusal
from support.environment import Environment, Launcher
from support.exchange import Exchange
from support.process import ROOT

RIC = [sys.executable, "-m", "awslambdaric"]
ERROR_TYPE = "lambda-runtime-function-error-type"
CAUSE = "lambda-runtime-function-xray-error-cause"
ON_AWS = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"}

SHOWN: set[str] = set()
"""The rows of the table that a test of this file shows."""

Test = Callable[..., None]


def shows(*points: str) -> Callable[[Test], Test]:
    """Say which rows a test shows."""
    SHOWN.update(points)
    return lambda test: test


class Both(NamedTuple):
    """The same handler under both clients."""

    aws: Environment
    ours: Environment

    def invoke(self, event: Any, **how: Any) -> tuple[Exchange, Exchange]:
        return self.aws.invoke(event, **how).wait(), self.ours.invoke(event, **how).wait()


@pytest.fixture
def both(launch: Launcher) -> Callable[..., Both]:
    """`both(handler, env)` starts it twice."""
    return lambda name, env=None: Both(
        launch(None, env, command=[*RIC, f"differing.{name}"]), launch(f"differing.{name}", env)
    )


def cause_of(exchange: Exchange) -> Any:
    return json.loads(exchange.request.headers[CAUSE])


def test_every_row_of_the_table_is_shown() -> None:
    """And there is no test for a difference that is not written down."""
    lines = (ROOT / "docs" / "awslambdaric-differences.md").read_text(encoding="utf-8").splitlines()
    rows = {line.split("|")[1].strip() for line in lines if line.startswith("| ")} - {"point"}
    assert rows == SHOWN


@shows("`Lambda-Runtime-Function-Error-Type` on `/error`")
def test_the_type_in_a_header(both: Callable[..., Both]) -> None:
    aws, ours = both("fails").invoke("off")
    assert ERROR_TYPE not in aws.request.headers
    assert ours.request.headers[ERROR_TYPE] == "Function.ValueError"


@shows("X-Ray cause", "message of an error")
def test_large_messages(both: Callable[..., Both]) -> None:
    pair = both("fails")
    aws, ours = pair.invoke(70 * 1024)
    assert len(aws.request.headers[CAUSE]) > 70 * 1024
    assert CAUSE not in ours.request.headers
    aws, ours = pair.invoke(300 * 1024)
    assert len(aws.request.json()["errorMessage"]) == 300 * 1024
    assert ours.request.json()["errorMessage"] == "x" * 256 * 1024 + "… [cut]"


@shows("X-Ray cause")
def test_the_cause_is_ascii(both: Callable[..., Both]) -> None:
    aws, ours = both("fails", ON_AWS).invoke("naïve")
    assert not aws.request.headers[CAUSE].isascii()
    assert ours.request.headers[CAUSE].isascii()
    assert cause_of(ours)["exceptions"][0]["message"] == "naïve"


@shows("order of `paths` in it")
def test_the_paths_are_in_the_order_of_the_frames(both: Callable[..., Both]) -> None:
    aws, ours = both("deeper").invoke({})
    frames = [frame["path"] for frame in cause_of(ours)["exceptions"][0]["stack"]]
    assert len(set(frames)) == 3
    assert cause_of(ours)["paths"] == list(dict.fromkeys(frames))
    assert set(cause_of(aws)["paths"]) == set(frames)


@shows("`sys.exit()` in a handler")
def test_sys_exit(launch: Launcher) -> None:
    env = launch(None, command=[*RIC, "exiting.sync"])
    lost = env.invoke({"when": "at once"})
    assert env.process.exit_code() == 7
    assert lost.requests == []
    env = launch("exiting.sync")
    assert env.invoke({"when": "at once"}).error()["errorType"] == "SystemExit"
    assert env.process.exit_code() == 7


@shows("other `BaseException`")
def test_base_exceptions(both: Callable[..., Both]) -> None:
    aws, ours = both("interrupted")
    lost = aws.invoke("interrupt")
    assert aws.process.exit_code() != 0
    assert lost.requests == []
    assert ours.invoke("interrupt").error()["errorType"] == "KeyboardInterrupt"
    assert ours.invoke("again").response() == "again"


@shows("an event that is not JSON")
def test_events_that_are_not_json(both: Callable[..., Both]) -> None:
    aws, ours = both("echo").invoke(b"{")
    assert aws.request.json()["errorType"] == ours.request.json()["errorType"] == "Runtime.UnmarshalError"
    assert aws.request.json()["errorMessage"].startswith("Unable to unmarshal input: ")
    assert ours.request.json()["errorMessage"].startswith("The event is not JSON: ")


@shows("NaN in an event")
def test_nan(both: Callable[..., Both]) -> None:
    aws, ours = both("echo").invoke(b"[NaN]")
    assert (aws.kind, ours.kind, ours.body) == ("error", "response", b"[NaN]")


@shows("an event in UTF-16, or with surrogates of their own (CESU-8)")
@pytest.mark.parametrize("event", ['"☃"'.encode("utf-16"), b'"\xed\xa0\xbd\xed\xb8\x80"'], ids=["UTF-16", "CESU-8"])
def test_other_encodings(both: Callable[..., Both], event: bytes) -> None:
    aws, ours = both("kind_of_event").invoke(event)
    assert aws.request.json()["errorType"] == "Runtime.UnmarshalError"
    assert ours.response() == "str"


@shows("an event with another content type")
def test_content_types(both: Callable[..., Both]) -> None:
    aws, ours = both("kind_of_event").invoke({}, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (aws.response(), ours.response()) == ("bytes", "dict")


@shows("result over 6 MiB")
def test_large_results(both: Callable[..., Both]) -> None:
    aws, ours = both("large")
    size = 6_291_556
    sent = aws.invoke(size, answer=refusal(413, "RequestEntityTooLarge")).wait()
    assert (sent.kind, sent.request.size) == ("response", size + 2)
    assert aws.process.exit_code() != 0
    assert ours.invoke(size).error()["errorType"] == "Function.ResponseSizeTooLarge"
    assert ours.invoke(1).response() == "x"


@shows("result with lone surrogates, unescaped")
def test_lone_surrogates(both: Callable[..., Both]) -> None:
    aws, ours = both("surrogate", ON_AWS)
    aws.invoke(True)
    assert aws.process.exit_code() != 0
    assert ours.invoke(True).error()["errorType"] == "Runtime.MarshalError"
    assert ours.invoke(False).response() == "fine"


@shows("a coroutine or generator as result", "`async def`")
@pytest.mark.parametrize(("handler", "answer"), [("returns_coroutine", 7), ("generator", "one two"), ("coroutine", 7)])
def test_coroutines_and_generators(both: Callable[..., Both], handler: str, answer: object) -> None:
    aws, ours = both(handler).invoke(7)
    assert aws.request.json()["errorType"] == "Runtime.MarshalError"
    assert ours.response() == answer


@shows("a handler that cannot be called with two arguments", "frames of the error where the handler cannot be called")
def test_handlers_that_cannot_be_called(launch: Launcher) -> None:
    aws = launch(None, command=[*RIC, "differing.one_argument"]).invoke({}).error()
    assert aws["errorType"] == "TypeError"
    assert "awslambdaric" in aws["stackTrace"][0]
    env = launch("differing.one_argument")
    assert env.api.wait_for_request("init/error").json()["errorType"] == "Runtime.HandlerNotFound"
    assert env.process.exit_code() == 1
    forced = launch("differing.one_argument", {"EVERLOOP_INTERFACE": "handler"}).invoke({}).error()
    assert (forced["errorType"], forced["stackTrace"]) == ("TypeError", [])


@shows("context variables")
def test_context_variables(both: Callable[..., Both]) -> None:
    pair = both("counts")
    assert [exchange.response() for exchange in pair.invoke({})] == [1, 1]
    assert [exchange.response() for exchange in pair.invoke({})] == [2, 1]


@shows("the current loop, closed by a module or handler")
def test_a_closed_loop(both: Callable[..., Both]) -> None:
    pair = both("closes_the_loop")
    assert [exchange.response() for exchange in pair.invoke(1)] == [1, 1]
    aws, ours = pair.invoke(2)
    assert aws.error()["errorMessage"] == "Event loop is closed"
    assert ours.response() == 2


@shows("the current loop's type")
def test_the_type_of_the_loop(both: Callable[..., Both]) -> None:
    """nest_asyncio asks just this."""
    aws, ours = both("loop_is_of_asyncio").invoke({})
    assert (aws.response(), ours.response()) == (True, False)
    aws, ours = both("loop_is_of_asyncio", {"EVERLOOP_LOOP": "asyncio"}).invoke({})
    assert (aws.response(), ours.response()) == (True, True)


@shows("log line of a failure")
def test_log_lines(both: Callable[..., Both]) -> None:
    aws, ours = both("chained")
    sent = ours.invoke({})
    aws.invoke({}).error()
    sent.error()
    line = aws.process.wait_for_log(r"\[ERROR\]").text
    assert line.startswith("[ERROR] ValueError: the effect")
    assert "the cause" not in aws.process.log
    line = ours.process.wait_for_log(r"\[ERROR\]").text
    assert re.match(rf"\[ERROR\]\t\d{{4}}-\S+Z\t{sent.request_id}\t", line)
    assert "KeyError: 'the cause'" in line


@shows("a log record with line breaks or a traceback", "JSON records")
def test_log_records(launch: Launcher) -> None:
    """For awslambdaric, see also test_like_aws_client.py: the other keys of JSON records agree."""
    env = {"AWS_LAMBDA_LOG_LEVEL": "INFO"}
    aws, ours = launch(None, env, command=[*RIC, "functions.logs_all"]), launch("functions.logs_all", env)
    for client in (aws, ours):
        client.invoke({}).wait()
        client.process.wait_for_log("at the root")
    assert "ShopClosed: naïve[ERROR]" in aws.process.log
    assert len(aws.process.logged(r"\ttwo$")) == len(aws.process.logged("^lines$")) == 1
    assert len(ours.process.logged("\ttwo\rlines$")) == 1
    assert len(ours.process.logged("caught one.*Traceback.*naïve$")) == 1
    env = {"AWS_LAMBDA_LOG_FORMAT": "JSON"}
    aws, ours = launch(None, env, command=[*RIC, "functions.logs_all"]), launch("functions.logs_all", env)
    for client, traced in ((aws, False), (ours, True)):
        client.invoke({}).wait()
        record = json.loads(client.process.wait_for_log("at the root").text)
        assert ("traceId" in record) is traced
        assert ("." in record["timestamp"]) is traced


@shows("level of JSON where none is asked for", "`AWS_LAMBDA_LOG_LEVEL=NOTSET`")
@pytest.mark.parametrize(
    ("env", "lines"),
    [({"AWS_LAMBDA_LOG_FORMAT": "JSON"}, [0, 1]), ({"AWS_LAMBDA_LOG_LEVEL": "NOTSET"}, [1, 0])],
    ids=str,
)
def test_levels(launch: Launcher, env: dict[str, str], lines: list[int]) -> None:
    for client, expected in zip(
        (launch(None, env, command=[*RIC, "functions.logs_all"]), launch("functions.logs_all", env)), lines, strict=True
    ):
        client.invoke({}).wait()
        client.process.wait_for_log("at the root")
        assert len(client.process.logged("sold tea of 3")) == expected


@shows("a call of `logging` with wrong arguments")
def test_wrong_arguments_of_a_log_call(both: Callable[..., Both]) -> None:
    pair = both("logs_wrongly")
    aws, ours = pair.invoke({})
    assert aws.request.json()["errorType"] == "TypeError"
    assert ours.response() == "logged"
    assert pair.ours.process.wait_for_log("--- Logging error ---").stream == "stderr"


@shows("JSON records")
def test_causes(launch: Launcher) -> None:
    for command, told in (([*RIC, "raising.logs_chained"], False), (None, True)):
        env = launch(None if command else "raising.logs_chained", {"AWS_LAMBDA_LOG_FORMAT": "JSON"}, command=command)
        env.invoke({}).wait()
        assert ("causes" in json.loads(env.process.wait_for_log("caught one").text)) is told


@shows("text without a line's end")
def test_text_without_a_line_end(both: Callable[..., Both]) -> None:
    aws, ours = both("writes_and_exits")
    for client, seen in ((aws, ["begun", "part"]), (ours, ["begun"])):
        client.invoke({})
        assert client.process.exit_code() == 3
        assert [line.text for line in client.process.logged("^(begun|part)$")] == seen


@shows("initialisation errors")
@pytest.mark.parametrize(
    ("handler", "types"),
    [
        ("nowhere.at_all", ["Runtime.ImportModuleError"] * 2),
        ("differing.missing", ["Runtime.HandlerNotFound"] * 2),
        ("nothing", ["Runtime.MalformedHandlerName"] * 2),
        ("sys.exit", ["Runtime.BuiltInModuleConflict", "Runtime.HandlerNotFound"]),
    ],
)
def test_initialisation_errors(launch: Launcher, handler: str, types: list[str]) -> None:
    for env, expected in zip((launch(None, command=[*RIC, handler]), launch(handler)), types, strict=True):
        assert env.api.wait_for_request("init/error").json()["errorType"] == expected
        assert env.process.exit_code() == 1


@shows("initialisation errors")
def test_frames_of_initialisation_errors(launch: Launcher, tmp_path: Path) -> None:
    (tmp_path / "web.py").write_text("raise ConnectionError('no database')\n", encoding="utf-8")
    for command, imports in (([*RIC, "web.app"], True), (None, False)):
        env = launch(None if command else "web.app", command=command, task_root=tmp_path)
        stack = env.api.wait_for_request("init/error").json()["stackTrace"]
        assert any("importlib" in frame for frame in stack) is imports
        assert "web.py" in stack[-1]


@shows("`LambdaRuntimeClient.marshaller` of one's own")
def test_own_marshallers(both: Callable[..., Both]) -> None:
    aws, ours = both("echo", {"OWN_MARSHALLER": "1"}).invoke("quiet")
    assert (aws.response(), ours.response()) == ("LOUD", "quiet")


@shows("SIGTERM")
def test_sigterm(both: Callable[..., Both]) -> None:
    aws, ours = both("echo")
    for client, code in ((aws, -signal.SIGTERM), (ours, 0)):
        client.api.wait_for_poll()
        client.process.signal(signal.SIGTERM)
        assert client.process.exit_code() == code


@shows("concurrency (`AWS_LAMBDA_MAX_CONCURRENCY`)")
def test_concurrency(both: Callable[..., Both]) -> None:
    aws, ours = both("process", {"AWS_LAMBDA_MAX_CONCURRENCY": "4"})
    for client in (aws, ours):
        client.api.wait_for_poll(4, 30)
    for client, processes in ((aws, 4), (ours, 1)):
        # The connection that has waited longest is served next, so every process is asked.
        assert len({exchange.response() for exchange in [client.invoke({}) for _ in range(4)]}) == processes
