"""Events that are not HTTP: to a path of the application, to a plain handler beside it, or refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.environment import Environment, Launcher
from support.sample_events import function_url

EVENTS = Path(__file__).resolve().parents[1] / "events"
SERVICES = [
    "sqs",
    "sns",
    "s3",
    "dynamodb",
    "kinesis",
    "kafka",
    "eventbridge",
    "step-functions",
    "bedrock-agent",
    "cognito-trigger",
]


@pytest.mark.parametrize(
    ("app", "expected"),
    [("event_apps:app", {"method": "POST", "same": True}), ("event_apps:wsgi_events", True)],
    ids=["ASGI", "WSGI"],
)
def test_every_service_reaches_the_path(launch: Launcher, app: str, expected: object) -> None:
    """POSTed as JSON, the event in the scope or environ; the JSON answer is the result, verbatim."""
    env = launch(app)
    for service in SERVICES:
        for file in sorted((EVENTS / service).glob("*.json")):
            answer = env.invoke(json.loads(file.read_text(encoding="utf-8"))).response()
            assert answer == expected, file.name
    assert env.answers(function_url())["statusCode"] == 200


@pytest.mark.parametrize("target", ["given", "agiven"])
@pytest.mark.parametrize("app", ["event_apps:app", "event_apps:wsgi", None], ids=["ASGI", "WSGI", "alone"])
def test_every_service_reaches_the_handler(launch: Launcher, app: str | None, target: str) -> None:
    """The same events through the other way: a plain handler beside the application, or alone."""
    name = f"event_apps:{target}"
    env = launch(app or name, {"EVERLOOP_EVENTS": name} if app else {})
    for service in SERVICES:
        for file in sorted((EVENTS / service).glob("*.json")):
            event = json.loads(file.read_text(encoding="utf-8"))
            exchange = env.invoke(event)
            assert exchange.response() == {"event": event, "id": exchange.request_id}, file.name
    if app:
        assert env.answers(function_url())["statusCode"] == 200


@pytest.mark.parametrize("events", ["/events", "event_apps:given"])
@pytest.mark.parametrize("app", ["event_apps:app", "event_apps:wsgi_events"])
@pytest.mark.parametrize(
    "event", [{}, {"a": 1}, {"version": "1.0", "x": None}, {"big": 2**70}, {"text": "☃\u2028"}, {"NaN": float("nan")}]
)
def test_direct_invokes(shared: Callable[..., Environment], app: str, events: str, event: Any) -> None:
    """Any JSON object, whole."""
    answer = shared(app, {"EVERLOOP_EVENTS": events}).invoke(event).wait()
    assert answer.kind == "response", answer.body


def test_results_of_the_path(launch: Launcher) -> None:
    """2xx: JSON verbatim, nothing is null, anything else an error. Other statuses and exceptions fail."""
    env = launch("event_apps:app")
    assert env.invoke({"answer": '{"batchItemFailures":[ ]}'}).wait().body == b'{"batchItemFailures":[ ]}'
    assert env.invoke({"answer": "", "status": 202}).response() is None
    assert env.invoke({"answer": "<p>"}).error()["errorType"] == "Runtime.MarshalError"
    error = env.invoke({"answer": "busy", "status": 503}).error()
    assert error["errorType"] == "Function.EventStatus"
    assert "503" in error["errorMessage"]
    assert "busy" in error["errorMessage"]
    assert env.invoke({"raise": True}).error()["errorType"] == "ValueError"


@pytest.mark.parametrize("status", [404, 405])
def test_an_application_without_a_route_for_events_is_told_where_they_went(launch: Launcher, status: int) -> None:
    """Who sends `{}` by hand has never heard of the path: the error names it, the setting, and what to send instead."""
    env = launch("event_apps:app", {"EVERLOOP_EVENTS": "/events?from=aws"})
    message = env.invoke({"answer": "no", "status": status}).error()["errorMessage"]
    assert "no. The event is not HTTP" in message
    assert "/events?from=aws (EVERLOOP_EVENTS)" in message
    assert "whole sample event" in message
    assert "EVERLOOP_EVENTS" not in env.invoke({"answer": "busy", "status": 503}).error()["errorMessage"]


def test_batch_item_failures_from_flask(launch: Launcher) -> None:
    """The same for a WSGI application."""
    pytest.importorskip("flask")
    event = json.loads((EVENTS / "sqs" / "two_messages.json").read_text(encoding="utf-8"))
    answer = launch("wsgi_apps:flask()").invoke(event).response()
    assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == [
        r["messageId"] for r in event["Records"]
    ]


@pytest.mark.parametrize("app", ["app", "wsgi"])
@pytest.mark.parametrize(("target", "answer"), [("on_event", {"sync": 3}), ("on_event_async", {"async": 3})])
@pytest.mark.parametrize("slots", [{}, {"AWS_LAMBDA_MAX_CONCURRENCY": "2"}], ids=["one-slot", "two-slots"])
def test_a_handler_beside_the_application(
    launch: Launcher, app: str, target: str, answer: object, slots: dict[str, str]
) -> None:
    """Both in one function."""
    env = launch(f"event_apps:{app}", slots | {"EVERLOOP_EVENTS": f"event_apps:{target}"})
    assert env.invoke({"n": 3}).response() == answer
    assert env.answers(function_url())["statusCode"] == 200


@pytest.mark.parametrize("app", ["event_apps:app", "event_apps:wsgi"])
@pytest.mark.parametrize("events", ["/events", "off", "event_apps:on_event"])
def test_pings_are_answered_at_once(launch: Launcher, app: str, events: str) -> None:
    """Whatever is done with other events, and whatever the application would say to them."""
    env = launch(app, {"EVERLOOP_EVENTS": events})
    for ping in ({"warmer": True}, {"source": "serverless-plugin-warmup"}):
        assert env.invoke(ping).wait().body == b"{}"
