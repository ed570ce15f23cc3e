"""EVERLOOP_METRICS: a record per invocation in CloudWatch's embedded metric format."""

import json
from typing import Any

import pytest

from support.environment import Environment, Launcher
from support.sample_events import function_url

EMF = {"EVERLOOP_METRICS": "emf", "EVERLOOP_METRICS_NAMESPACE": "shop/web"}


def record_of(env: Environment, request_id: str) -> dict[str, Any]:
    """Wait for the record of an invocation, and check what the specification asks of every record."""
    record: dict[str, Any] = json.loads(env.process.wait_for_log(f'"_aws".*{request_id}').text)
    aws = record["_aws"]
    assert isinstance(aws["Timestamp"], int)
    [directive] = aws["CloudWatchMetrics"]
    assert directive["Namespace"] == "shop/web"
    for names in directive["Dimensions"]:
        assert len(names) <= 30
        assert all(isinstance(record[name], str) for name in names)
    assert all(isinstance(record[metric["Name"]], int | float) for metric in directive["Metrics"])
    return record


@pytest.mark.parametrize("handler", ["observed:app", "observed:handler", "observed:wsgi"])
def test_a_record_per_invocation(launch: Launcher, handler: str) -> None:
    """Duration, first byte and bytes; one cold start; before the next poll, so that no freeze keeps it back."""
    env = launch(handler, EMF)
    cold = []
    for number in range(1, 4):
        exchange = env.invoke(function_url())
        exchange.response()
        env.api.wait_for_poll()
        record = record_of(env, exchange.request_id)
        assert 0 < record["FirstByte"] <= record["Duration"]
        assert record["ResponseBytes"] == len(exchange.body)
        assert record["FunctionName"] == "under-test"
        assert record["Errors"] == 0
        assert record["traceId"].startswith("Root=")
        cold.append(record["ColdStart"])
        assert len(env.process.logged('"_aws"')) == number
    assert cold == [1, 0, 0]


def test_streams_and_failures(launch: Launcher) -> None:
    """A stream counts its chunks and its prelude, trailers are an error."""
    env = launch("observed:app", {**EMF, "EVERLOOP_RESPONSE_MODE": "streaming", "EVERLOOP_EVENTS": "off"})
    stream = env.invoke(function_url("/stream")).wait()
    record = record_of(env, stream.request_id)
    assert record["ResponseBytes"] == stream.request.size
    failed = env.invoke({"Records": []})
    failed.error()
    assert record_of(env, failed.request_id)["Errors"] == 1


def test_many_at_a_time(launch: Launcher) -> None:
    """Each invocation has its own figures."""
    env = launch("observed:app", {**EMF, "AWS_LAMBDA_MAX_CONCURRENCY": "8"})
    exchanges = [env.invoke(function_url()) for _ in range(24)]
    for exchange in exchanges:
        exchange.response()
    records = [record_of(env, exchange.request_id) for exchange in exchanges]
    assert sum(record["ColdStart"] for record in records) == 1


def test_off_unless_asked_for(launch: Launcher) -> None:
    """No record, and a wrong namespace is a wrong setting."""
    env = launch("observed:app")
    env.answers(function_url())
    assert env.process.logged("_aws") == []
    wrong = launch("observed:app", {"EVERLOOP_METRICS_NAMESPACE": "AWS/Lambda"})
    assert wrong.process.exit_code() == 1
    assert wrong.process.logged("EVERLOOP_METRICS_NAMESPACE='AWS/Lambda'")
