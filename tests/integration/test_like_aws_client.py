"""The same handlers and events under AWS's client and under everloop: the requests agree but for what is written down.

The intended differences are in docs/awslambdaric-differences.md; whatever is not there is compared byte for byte.
"""

import json
import re
import sys
from typing import Any, NamedTuple

import pytest

from support.environment import Environment, Launcher
from support.process import APPS

sys.path.insert(0, str(APPS))
from functions import RESULTS  # a module of the applications, which are not on the path

RIC = [sys.executable, "-m", "awslambdaric"]

OWN_HEADERS = {"host", "user-agent", "accept", "lambda-runtime-function-error-type"}
"""What an HTTP client adds of its own, and the error type, which AWS's client does not send."""


class Pair(NamedTuple):
    """The same handler under both clients."""

    aws: Environment
    ours: Environment


def pair(launch: Launcher, handler: str, env: dict[str, str] | None = None) -> Pair:
    return Pair(launch(None, env, command=[*RIC, handler]), launch(handler, env))


def same(both: Pair, event: Any, **how: Any) -> dict[str, Any]:
    """Invoke both and compare kind, headers and body; gives what everloop sent."""
    aws = both.aws.invoke(event, request_id="00000000-0000-4000-8000-000000000001", **how).wait()
    ours = both.ours.invoke(event, request_id="00000000-0000-4000-8000-000000000001", **how).wait()
    assert (ours.kind, ours.body) == (aws.kind, aws.body)
    assert headers(ours.request.headers) == headers(aws.request.headers)
    return {"kind": ours.kind, "body": ours.body, "headers": ours.request.headers}


def headers(found: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in found.items() if name not in OWN_HEADERS}


@pytest.fixture(scope="module")
def results() -> Any:
    launcher = Launcher()
    yield pair(launcher, "functions.result")
    assert launcher.close() == []


@pytest.mark.parametrize("name", RESULTS)
def test_results(results: Pair, name: str) -> None:
    """Every kind of result is marshalled to the same bytes, with the same content type."""
    assert same(results, {"name": name})["kind"] == "response"


def test_results_on_aws_images(launch: Launcher) -> None:
    """On AWS's own images text is not escaped, as AWS's client decides by AWS_EXECUTION_ENV."""
    both = pair(launch, "functions.result", {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"})
    assert "☃".encode() in same(both, {"name": "not ascii"})["body"]


@pytest.mark.parametrize("handler", ["raises", "raises_from", "raises_nothing", "unserialisable"])
def test_errors(launch: Launcher, handler: str) -> None:
    """Error bodies and X-Ray causes agree: type, message, the user's frames alone."""
    sent = same(pair(launch, f"functions.{handler}"), {"message": "closed, naïvely"})
    assert sent["kind"] == "error"
    assert sent["headers"]["lambda-runtime-function-error-type"].split(".")[0] in ("Function", "Runtime")


@pytest.mark.parametrize(
    "event",
    [
        [1, 2],
        "text",
        7,
        None,
        {"big": 123456789012345678901234567890, "small": -9223372036854775809, "u64": 2**64 - 1},
        {"ratio": 1e-7, "text": "☃\u2028"},
        b'{"a": 1, "a": 2}',
    ],
)
def test_events(launch: Launcher, event: Any) -> None:
    """Whatever JSON comes reaches the handler as it does under AWS's client, integers of any size exact."""
    same(pair(launch, "functions.echo"), event)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Lambda-Runtime-Trace-Id": None},
        {"Lambda-Runtime-Aws-Tenant-Id": "tenant-1"},
        {"Lambda-Runtime-Invocation-Id": "attempt-1"},
        {"Lambda-Runtime-Client-Context": '{"custom": {"a": 1}, "env": {"b": 2}, "client": {"app_title": "T"}}'},
        {"Lambda-Runtime-Client-Context": '{"w3c": {"traceparent": "00-1-2-01", "other": "x", "baggage": 3}}'},
        {"Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId": "i", "cognitoIdentityPoolId": "p"}'},
        {"Lambda-Runtime-Client-Context": "{"},
        {"Lambda-Runtime-Cognito-Identity": "nonsense"},
    ],
    ids=str,
)
def test_contexts(launch: Launcher, given: dict[str, str | None]) -> None:
    """The context object is AWS's own class with the same attributes, also in a second invocation."""
    both = pair(launch, "functions.show_context", {"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/x"})
    same(both, {}, headers=given)
    same(both, {})


def test_the_trace_comes_and_goes(launch: Launcher) -> None:
    """_X_AMZN_TRACE_ID is that of the invocation, and gone where one brings none."""
    both = pair(launch, "functions.show_context")
    for trace in ("Root=1-5bef4de7-one", None, "Root=1-5bef4de7-two"):
        found = json.loads(same(both, {}, headers={"Lambda-Runtime-Trace-Id": trace})["body"])["trace"]
        assert found == trace


def test_the_loop_does_not_run(launch: Launcher) -> None:
    """asyncio.run() works in a handler, every time."""
    both = pair(launch, "functions.runs_a_loop")
    for _ in range(3):
        assert same(both, {})["body"] == b"42"


# The written differences that requests show.


def test_sys_exit_is_reported(launch: Launcher) -> None:
    """AWS's client dies without a word; everloop reports the invocation and ends with the same code."""
    both = pair(launch, "functions.exits")
    both.aws.invoke({"code": 7})
    error = both.ours.invoke({"code": 7}).error()
    assert (error["errorType"], error["errorMessage"]) == ("SystemExit", "7")
    assert both.ours.process.exit_code() == both.aws.process.exit_code() == 7


def test_events_that_are_not_json(launch: Launcher) -> None:
    """Both report Runtime.UnmarshalError and go on; the message is everloop's own."""
    both = pair(launch, "functions.echo")
    for client in both:
        assert client.invoke(b"{").error()["errorType"] == "Runtime.UnmarshalError"
        assert client.invoke({"a": 1}).response() == {"a": 1}


def test_nan_in_an_event_is_taken(launch: Launcher) -> None:
    """AWS's client refuses an event with NaN, which json.dumps() makes; everloop takes it."""
    env = launch("functions.echo")
    assert env.invoke(b'{"not": NaN}').wait().body == b'{"not": NaN}'


def test_the_content_type_of_the_event_does_not_matter(launch: Launcher) -> None:
    """AWS's client gives a handler raw text where the caller sent another type; everloop parses JSON always."""
    env = launch("functions.echo")
    assert env.invoke({"a": 1}, headers={"Content-Type": "text/plain"}).response() == {"a": 1}


def test_large_results_fail_here(launch: Launcher) -> None:
    """AWS's client sends what Lambda refuses and ends; everloop reports the size and lives."""
    env = launch("functions.echo")
    error = env.invoke({"x": "☃" * 1_100_000}).error()
    assert error["errorType"] == "Function.ResponseSizeTooLarge"
    assert json.loads(env.invoke([1]).wait().body) == [1]


def test_the_root_loggers_handler_takes_a_formatter(launch: Launcher) -> None:
    """Records have the request id under the name that users' formatters ask for."""
    both = pair(launch, "functions.logs")
    same(both, {})
    for client in both:
        client.process.wait_for_log(r"^WARNING 00000000-0000-4000-8000-000000000001 said$")


def test_times_of_the_users_formatters_are_utc(launch: Launcher) -> None:
    """Whatever the time zone that the function is given."""
    both = pair(launch, "functions.logs_zone", {"TZ": "XYZ-9"})
    same(both, {})
    lines = [client.process.wait_for_log("^said in").text for client in both]
    assert lines[0] == lines[1] != "said in XYZ"


def logged(client: Environment) -> list[str]:
    """What the handler's invocation wrote, without the moments."""
    client.process.wait_for_log("at the root")
    lines = [re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "MOMENT", line.text) for line in client.process.lines]
    # everloop's line at the start has no counterpart. Not the name alone: paths may have it.
    return [line for line in lines if "everloop 0." not in line]


def test_log_lines(launch: Launcher) -> None:
    """Level, moment, request id, message; what the handler prints as it is."""
    both = pair(launch, "functions.logs_lines", {"AWS_LAMBDA_LOG_LEVEL": "INFO"})
    same(both, {})
    aws, ours = (logged(client) for client in both)
    assert len(ours) == 4
    assert ours == aws


def test_json_log_records(launch: Launcher) -> None:
    """The same keys and values in the same order, also of an exception; everloop adds the trace id."""
    both = pair(launch, "functions.logs_all", {"AWS_LAMBDA_LOG_LEVEL": "INFO", "AWS_LAMBDA_LOG_FORMAT": "JSON"})
    same(both, {})
    aws, ours = ([json.loads(line) for line in logged(client) if line.startswith("{")] for client in both)
    for record in ours:
        assert record.pop("traceId").startswith("Root=1-5bef4de7")
    assert len(ours) == 4
    assert ours == aws
