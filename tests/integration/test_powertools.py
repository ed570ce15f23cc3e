"""Powertools for AWS Lambda and the X-Ray SDK: the same answers as under AWS's client, and traces that arrive."""

import json
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from support.aws_server import CREDENTIALS
from support.environment import Launcher
from support.payloads import payload, payloads

pytest.importorskip("aws_lambda_powertools")

RIC = [sys.executable, "-m", "awslambdaric"]
PARENT = "9a9197af755a6419"


def trace(number: int) -> str:
    return f"1-5bef4de7-ad49b0e87f6ef6c87fc2e70{number}"


def header(number: int) -> dict[str, str]:
    return {"Lambda-Runtime-Trace-Id": f"Root={trace(number)};Parent={PARENT};Sampled=1"}


@pytest.mark.parametrize(
    ("resolver", "source"),
    [
        ("rest", "rest"),
        ("http_api", "http-api"),
        ("alb", "alb"),
        ("lattice", "lattice"),
        ("function_url", "function-url"),
    ],
)
def test_resolvers_answer_as_under_aws_client(launch: Launcher, resolver: str, source: str) -> None:
    """Each front's resolver, with every event of its front that it takes, to the byte."""
    env = CREDENTIALS | {"RESOLVER": resolver}
    aws = launch(None, env, command=[*RIC, "powertools_apps.resolve"])
    ours = launch("powertools_apps.resolve", env)
    statuses = set()
    for case in payloads(source):
        theirs = aws.invoke(case.event).wait(30)
        mine = ours.invoke(case.event).wait(30)
        assert (mine.kind, mine.body) == (theirs.kind, theirs.body), case
        if mine.kind == "response":
            statuses.add(mine.request.json()["statusCode"])
    assert 200 in statuses


def test_a_bedrock_agent_is_answered_as_under_aws_client(launch: Launcher) -> None:
    """An API schema's action."""
    env = CREDENTIALS | {"RESOLVER": "bedrock_agent"}
    event = payload("bedrock-agent", "api_schema").event | {"apiPath": "/orders/7"}
    theirs = launch(None, env, command=[*RIC, "powertools_apps.resolve"]).invoke(event).wait(30)
    mine = launch("powertools_apps.resolve", env).invoke(event).wait(30)
    assert mine.body == theirs.body
    body = mine.response()["response"]["responseBody"]["application/json"]["body"]
    assert json.loads(body) == {"order": "7", "state": "on its way"}


@pytest.mark.parametrize("beside", [None, "event_apps:app", "event_apps:wsgi"])
def test_some_of_a_batch_failed(launch: Launcher, beside: str | None) -> None:
    """The ids of those that did, as the main handler and beside an application."""
    name = "powertools_apps:resolve"
    env = launch(beside or name, CREDENTIALS | {"RESOLVER": "batch", "EVERLOOP_EVENTS": name})
    event = payload("sqs", "two_messages").event
    failed = [r["messageId"] for r in event["Records"] if r["messageId"].endswith("2")]
    assert len(failed) == 1
    assert env.invoke(event).response(30) == {"batchItemFailures": [{"itemIdentifier": failed[0]}]}


class Daemon:
    """An X-Ray daemon that keeps what it is sent."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(20)
        self.env = CREDENTIALS | {
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{self._socket.getsockname()[1]}",
            "POWERTOOLS_SERVICE_NAME": "shop",
            "AWS_XRAY_CONTEXT_MISSING": "RUNTIME_ERROR",
        }

    def segment(self) -> Any:
        head, _, document = self._socket.recv(65536).partition(b"\n")
        assert json.loads(head) == {"format": "json", "version": 1}
        return json.loads(document)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    daemon = Daemon()
    yield daemon
    daemon.close()


def test_traces_arrive(launch: Launcher, daemon: Daemon) -> None:
    """Each subsegment in the trace of its invocation, below Lambda's own segment, with annotations and failures."""
    env = launch("powertools_apps:tracer()", daemon.env)
    for number in (1, 2, 3):
        assert env.invoke({"item": f"item-{number}"}, headers=header(number)).response(30) == f"item-{number}"
        inner, outer = daemon.segment(), daemon.segment()
        assert [one["trace_id"] for one in (inner, outer)] == [trace(number)] * 2
        assert (inner["parent_id"], outer["parent_id"]) == (outer["id"], PARENT)
        assert (inner["annotations"], outer["annotations"]["ColdStart"]) == ({"item": f"item-{number}"}, number == 1)
    assert env.invoke({"fails": True}, headers=header(4)).error()["errorType"] == "LookupError"
    outer = daemon.segment()
    assert (outer["trace_id"], outer["fault"]) == (trace(4), True)


def test_traces_of_coroutines_arrive(launch: Launcher, daemon: Daemon) -> None:
    """On the loop as on the main thread."""
    env = launch("powertools_apps:async_tracer()", daemon.env)
    for number in (1, 2):
        assert env.invoke({"item": "a"}, headers=header(number)).response(30) == "a"
        assert daemon.segment()["trace_id"] == trace(number)
