"""The trace of an invocation, in the scope's headers."""

import json
from typing import Any

from support.environment import Environment, Launcher
from support.sample_events import function_url

TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
W3C = json.dumps({"custom": {"a": "b"}, "w3c": {"traceparent": PARENT, "tracestate": "x=1", "baggage": "bad\r\nname"}})


def headers_seen(env: Environment, event: Any, **headers: str | None) -> list[list[str]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    found: list[list[str]] = json.loads(env.invoke(event, headers=named).response()["body"])
    return found


def test_the_trace_header_is_added_where_the_event_has_none(launch: Launcher) -> None:
    """Lambda's own id; a header of the event stands; without either there is none."""
    env = launch("observed:app")
    assert ["x-amzn-trace-id", TRACE] in headers_seen(env, function_url())
    found = headers_seen(env, function_url(headers={"x-amzn-trace-id": "Root=1-mine"}))
    assert [value for name, value in found if name == "x-amzn-trace-id"] == ["Root=1-mine"]
    found = headers_seen(env, function_url(), Lambda_Runtime_Trace_Id=None)
    assert "x-amzn-trace-id" not in dict(found)


def test_w3c_headers_come_from_the_client_context(launch: Launcher) -> None:
    """traceparent and tracestate; what no header may hold is left out, and the event's own stand."""
    env = launch("observed:app")
    found = dict(headers_seen(env, function_url(), Lambda_Runtime_Client_Context=W3C))
    assert (found["traceparent"], found["tracestate"]) == (PARENT, "x=1")
    assert "baggage" not in found
    event = function_url(headers={"traceparent": "00-mine"})
    found = dict(headers_seen(env, event, Lambda_Runtime_Client_Context=W3C))
    assert (found["traceparent"], found["tracestate"]) == ("00-mine", "x=1")
    for odd in ("[]", "no json", '{"w3c": 3}', '{"w3c": {"traceparent": 4}}'):
        assert "traceparent" not in dict(headers_seen(env, function_url(), Lambda_Runtime_Client_Context=odd))


def test_events_and_wsgi_inherit_the_trace(launch: Launcher) -> None:
    """An event that is POSTed has no headers of its own; WSGI sees them as HTTP_ variables."""
    env = launch("observed:wsgi")
    exchange = env.invoke(function_url(), headers={"Lambda-Runtime-Client-Context": W3C})
    assert json.loads(exchange.response()["body"]) == {"HTTP_X_AMZN_TRACE_ID": TRACE, "HTTP_TRACEPARENT": PARENT}
    env = launch("observed:app")
    assert ["x-amzn-trace-id", TRACE] in env.invoke({"Records": []}).response()


def test_plain_handlers_ask_their_context(launch: Launcher) -> None:
    """`context.w3c()`, as under AWS's client."""
    env = launch("observed:handler")
    context = env.invoke(function_url(), headers={"Lambda-Runtime-Client-Context": W3C}).response()
    assert context["w3c"] == {"traceparent": PARENT, "tracestate": "x=1", "baggage": "bad\r\nname"}
