"""Applications and events that fail after the start: what the client gets, what is logged, and that the loop lives."""

import json
from collections.abc import Callable

import pytest

from support.answers import Answer
from support.environment import Environment, Launcher
from support.sample_events import function_url
from support.scripted_api import Exchange

Share = Callable[..., Environment]

HEADER = "lambda-runtime-function-error-type"
SERVER_ERROR = "Internal Server Error"
LIMIT = 6_291_556


def assert_500(exchange: Exchange) -> None:
    envelope = exchange.response()
    assert envelope["statusCode"] == 500
    assert envelope["body"] == SERVER_ERROR
    assert envelope["headers"]["content-type"].startswith("text/plain")
    assert envelope["isBase64Encoded"] is False


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ("before_start", "before the start"),
        ("before_body", "between start and body"),
        ("mid_stream", "in mid-stream"),
        ("exception_group", "one of several"),
    ],
)
def test_exception_before_the_last_body_is_a_500(launch: Launcher, app: str, message: str) -> None:
    """Buffered, an application that raises before its last body message is an HTTP 500, and its traceback is logged."""
    env = launch(f"failing:{app}")
    exchange = env.invoke(function_url())
    assert_500(exchange)
    line = env.process.wait_for_log(f"CourierError: {message}")
    assert exchange.request_id in line.text
    assert "Traceback" in line.text
    assert "failing.py" in line.text
    env.api.wait_for_poll()


def test_exception_after_the_last_body_leaves_the_response(launch: Launcher) -> None:
    """What is raised after the last body message is logged; the response stands."""
    env = launch("failing:after_last")
    exchange = env.invoke(function_url())
    assert exchange.response()["body"] == "whole"
    assert exchange.request_id in env.process.wait_for_log("CourierError: after the last body").text
    env.api.wait_for_poll()


@pytest.mark.parametrize("app", ["no_response", "start_only", "returns_mid_stream"])
def test_return_without_a_whole_response_is_a_500(launch: Launcher, app: str) -> None:
    """An application that returns without a whole response is an HTTP 500, and a log line says so."""
    env = launch(f"failing:{app}")
    exchange = env.invoke(function_url())
    assert_500(exchange)
    env.process.wait_for_log(f"(?i){exchange.request_id}.*(without|returned|incomplete)")
    env.api.wait_for_poll()


def test_one_failure_leaves_the_next_request_alone(launch: Launcher) -> None:
    """The process goes on: the request after a failure is served, in the same process."""
    env = launch("failing:by_path")
    for _ in range(3):
        assert_500(env.invoke(function_url("/fail")))
        assert env.answers(function_url("/fine"))["body"] == "fine"
    assert env.process.running()


BREACHES = {
    "two_starts": ("http.response.start",),
    "body_before_start": ("http.response.body",),
    "unknown_type": ("http.response.trumpets",),
    "no_type": ("type",),
    "not_a_mapping": ("http.response.start",),
    "status_not_int": ("status", "200"),
    "status_absent": ("status",),
    "headers_not_pairs": ("headers", "alone"),
    "header_not_bytes": ("headers", "content-type"),
    "body_not_bytes": ("body", "str"),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_protocol_breach_raises_in_send(shared: Share, breach: str) -> None:
    """The offending `send()` raises `everloop.ProtocolError`, which names what it met; the application may go on."""
    env = shared("breaching:caught")
    envelope = env.answers(function_url(f"/{breach}"))
    assert envelope["statusCode"] == 200
    assert envelope["body"].startswith("ProtocolError: ")
    for word in BREACHES[breach]:
        assert word in envelope["body"]


def test_protocol_breach_that_escapes_is_a_500(launch: Launcher) -> None:
    """A breach that the application does not catch is an HTTP 500 with its traceback in the log."""
    env = launch("breaching:app")
    for breach in BREACHES:
        exchange = env.invoke(function_url(f"/{breach}"))
        assert_500(exchange)
        env.process.wait_for_log(f"{exchange.request_id}.*ProtocolError")


def test_body_after_the_last_is_a_breach(launch: Launcher) -> None:
    """A body message after the last one raises; the response stands, the traceback is logged."""
    env = launch("breaching:after_last")
    exchange = env.invoke(function_url())
    assert exchange.response()["body"] == "whole"
    assert exchange.request_id in env.process.wait_for_log("ProtocolError").text


def test_system_exit_is_reported_and_obeyed(launch: Launcher) -> None:
    """`SystemExit` from an application fails the invocation, then the process shuts down with that code."""
    env = launch("failing:system_exit")
    exchange = env.invoke(function_url())
    error = exchange.error()
    assert error["errorType"] == "SystemExit"
    assert exchange.request.headers[HEADER] == "Function.SystemExit"
    assert env.process.exit_code() == 7
    assert len(env.api.requests_to("next")) == 1


# Events that are no HTTP.


def refused(env: Environment, event: object, error_type: str) -> str:
    exchange = env.invoke(event)
    error = exchange.error()
    assert error["errorType"] == error_type, error
    assert exchange.request.headers[HEADER] == error_type
    assert exchange.request.headers["content-type"] == "application/json"
    assert exchange.request.request_line.endswith(f"/invocation/{exchange.request_id}/error HTTP/1.1")
    assert error["requestId"] == exchange.request_id
    message: str = error["errorMessage"]
    env.process.wait_for_log(exchange.request_id)
    return message


@pytest.mark.parametrize("event", [b"", b"{", b"not JSON", b"\xff\xfe", b'{"a": 1} x'])
def test_event_that_is_not_json(shared: Share, event: bytes) -> None:
    """An event that is not JSON is `Runtime.UnmarshalError`; the next event is served."""
    env = shared("answers_with:app")
    assert "JSON" in refused(env, event, "Runtime.UnmarshalError")
    assert env.answers(function_url())["statusCode"] == 200


@pytest.mark.parametrize("event", [b"[]", b"null", b'"text"', b"12", b"[{}]"])
def test_event_that_is_not_an_object(shared: Share, event: bytes) -> None:
    """With events off, JSON that is no object is refused with what was expected."""
    env = shared("answers_with:app", {"EVERLOOP_EVENTS": "off"})
    assert "xpected" in refused(env, event, "Runtime.UnknownEvent")
    assert env.answers(function_url())["statusCode"] == 200


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": [{"eventSource": "aws:sqs"}]},
        {"version": "0", "source": "aws.events", "detail": {}},
        {"routeArn": "arn:aws:execute-api:x", "version": "2.0", "requestContext": {"http": {"method": "GET"}}},
        {"methodArn": "arn:aws:execute-api:x", "httpMethod": "GET", "requestContext": {}, "resource": "/"},
    ],
    ids=["empty", "sqs", "eventbridge", "authorizer-2", "authorizer-1"],
)
def test_event_that_is_not_http(shared: Share, event: dict[str, object]) -> None:
    """With events off, an event that is not HTTP is `Runtime.UnknownEvent`, with what was expected."""
    env = shared("answers_with:app", {"EVERLOOP_EVENTS": "off"})
    assert "xpected" in refused(env, event, "Runtime.UnknownEvent")
    assert env.answers(function_url())["statusCode"] == 200


def damaged(**changes: object) -> dict[str, object]:
    return {**function_url(method="POST", body="text"), **changes}


@pytest.mark.parametrize(
    "event",
    [
        damaged(body="not base64!", isBase64Encoded=True),
        damaged(body="QQ=", isBase64Encoded=True),
        damaged(body=12),
        damaged(rawPath=None),
        damaged(rawPath=["/"]),
        damaged(headers=[1, 2]),
        damaged(headers={"a": {"b": 1}}),
        damaged(cookies="a=1"),
        damaged(rawQueryString=7),
    ],
    ids=["not-base64", "short-base64", "body", "no-path", "path", "headers", "header", "cookies", "query"],
)
def test_malformed_http_event(shared: Share, event: dict[str, object]) -> None:
    """An HTTP event with a field of the wrong kind is `Runtime.MalformedEvent`; the next event is served."""
    env = shared("answers_with:app")
    refused(env, event, "Runtime.MalformedEvent")
    assert env.answers(function_url())["statusCode"] == 200


# Limits and settings.


def test_response_at_the_limit_is_sent(shared: Share) -> None:
    """A buffered response of exactly 6,291,556 bytes of JSON is sent."""
    env = shared("answers_with:app")
    envelope = len(env.invoke(function_url(query="size=1")).wait().body) - 1
    exchange = env.invoke(function_url(query=f"size={LIMIT - envelope}"))
    assert exchange.response()["statusCode"] == 200
    assert len(exchange.body) == LIMIT


def test_response_over_the_limit_is_an_error(shared: Share) -> None:
    """One byte more is not sent: `Function.ResponseSizeTooLarge`, with its size and the limit."""
    env = shared("answers_with:app")
    envelope = len(env.invoke(function_url(query="size=1")).wait().body) - 1
    exchange = env.invoke(function_url(query=f"size={LIMIT - envelope + 1}"))
    error = exchange.error()
    assert error["errorType"] == "Function.ResponseSizeTooLarge"
    assert exchange.request.headers[HEADER] == "Function.ResponseSizeTooLarge"
    digits = error["errorMessage"].replace(",", "")
    assert str(LIMIT) in digits
    assert str(LIMIT + 1) in digits
    assert env.answers(function_url())["statusCode"] == 200


@pytest.mark.parametrize(("status", "fails"), [(500, True), (501, False), (502, True), (504, True), (505, False)])
def test_error_statuses_fail_the_invocation(shared: Share, status: int, *, fails: bool) -> None:
    """The statuses of the setting make the invocation fail; the body is kept in the message; others are responses."""
    env = shared("answers_with:app", {"EVERLOOP_ERROR_STATUSES": "500,502-504"})
    exchange = env.invoke(function_url(query=f"status={status}&text=out+of+parcels"))
    if not fails:
        assert exchange.response()["statusCode"] == status
        return
    error = exchange.error()
    assert "out of parcels" in error["errorMessage"]
    assert str(status) in error["errorMessage"]
    assert exchange.request.headers[HEADER].split(".")[0] in ("Function", "Runtime")
    env.api.wait_for_poll()


def test_error_statuses_hold_for_unhandled_exceptions(launch: Launcher) -> None:
    """An application that raises is a 500, so a setting with 500 makes the invocation fail."""
    env = launch("failing:before_start", {"EVERLOOP_ERROR_STATUSES": "500"})
    exchange = env.invoke(function_url())
    exchange.error()
    env.process.wait_for_log("CourierError: before the start")


def test_error_report_reaches_lambda_when_the_api_is_slow(launch: Launcher) -> None:
    """An error's answer that comes in single bytes changes nothing."""
    env = launch("answers_with:app")
    exchange = env.invoke(b"{", answer=Answer(piece=1))
    assert json.loads(exchange.wait().body)["errorType"] == "Runtime.UnmarshalError"
    assert env.answers(function_url())["statusCode"] == 200
