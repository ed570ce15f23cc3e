"""Libraries that Lambda users have, in plain handlers, with one slot and with two."""

import json
from pathlib import Path

import pytest

from support.environment import Launcher
from support.sample_events import function_url

EVENTS = Path(__file__).resolve().parents[1] / "events"
AWS = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(params=[{}, {"AWS_LAMBDA_MAX_CONCURRENCY": "2"}], ids=["one-slot", "two-slots"])
def slots(request: pytest.FixtureRequest) -> dict[str, str]:
    found: dict[str, str] = request.param
    return found


def test_powertools(launch: Launcher, slots: dict[str, str]) -> None:
    """Logger, Tracer, Metrics and a resolver: the answer, a log record with the request id, a metric."""
    pytest.importorskip("aws_lambda_powertools")
    env = launch("libraries:powertools()", AWS | slots)
    exchange = env.invoke(function_url("/items/7"))
    assert json.loads(exchange.response(30)["body"]) == {"item": "7"}
    line = env.process.wait_for_log('"looked up"')
    assert json.loads(line.text)["function_request_id"] == exchange.request_id
    assert "Lookups" in json.loads(env.process.wait_for_log("CloudWatchMetrics").text)


def test_powertools_batch(launch: Launcher) -> None:
    """Some of a batch failed."""
    pytest.importorskip("aws_lambda_powertools")
    event = json.loads((EVENTS / "sqs" / "two_messages.json").read_text(encoding="utf-8"))
    error = launch("libraries:batch()", AWS).invoke(event).error(30)
    assert error["errorType"] == "BatchProcessingError"


def test_xray(launch: Launcher) -> None:
    """AWS's X-Ray SDK finds the trace of every invocation in the environment."""
    pytest.importorskip("aws_xray_sdk")
    env = launch("libraries:xray()", AWS)
    for number in (1, 2):
        trace = f"Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e70{number};Parent=9a9197af755a641{number};Sampled=1"
        answer = env.invoke({}, headers={"Lambda-Runtime-Trace-Id": trace}).response(30)
        assert answer == {"trace": f"1-5bef4de7-ad49b0e87f6ef6c87fc2e70{number}", "parent": f"9a9197af755a641{number}"}


def test_boto3(launch: Launcher, slots: dict[str, str]) -> None:
    """DynamoDB's Decimals are marshalled as AWS's client does."""
    pytest.importorskip("moto")
    assert launch("libraries:boto3_moto()", AWS | slots).invoke({"n": 3}).response(30) == {"id": "1", "n": 3}


def test_durable_execution(launch: Launcher, slots: dict[str, str]) -> None:
    """AWS's SDK for durable executions, on threads of its own: suspended in a wait, replayed after it."""
    pytest.importorskip("aws_durable_execution_sdk_python")
    operation = {
        "Id": "b",  # the last part of the ARN
        "Type": "EXECUTION",
        "Status": "STARTED",
        "ExecutionDetails": {"InputPayload": '{"name": "you"}'},
    }
    event = {
        "DurableExecutionArn": "arn:aws:lambda:eu-central-1:123456789012:function:x:1/durable-execution/a/b",
        "CheckpointToken": "t1",
        "InitialExecutionState": {"Operations": [operation], "NextMarker": ""},
    }
    env = launch("libraries:durable()", AWS | slots)
    assert env.invoke(event | {"later": False}, timeout=30).response(30) == {"Status": "PENDING"}
    answer = env.invoke(event | {"later": True}, timeout=30).response(30)
    assert answer["Status"] == "SUCCEEDED"
    assert json.loads(answer["Result"]) == {"greeting": "hello you", "runs": 1}
