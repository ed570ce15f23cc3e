"""`EVERLOOP_SOURCES` through the real bootstrap."""

import json

import pytest

from support.environment import Launcher
from support.payloads import payload


def test_events_of_the_users_own_source_reach_the_application(launch: Launcher) -> None:
    """The example of the documentation: an IoT rule in, a POST to the application, the rule's answer out."""
    env = launch("iot_source:app", {"EVERLOOP_SOURCES": "iot_source:IotRule,iot_source:AppSync"})
    event = payload("iot-rule", "telemetry").event

    answer = env.answers(event)
    assert answer["accepted"] is True
    method, path, query, body = json.loads(answer["answer"])
    assert (method, path, query, json.loads(body)) == ("POST", "/iot/sensors/7", "", event)
    assert env.answers(payload("appsync", "resolver").event) == ["GET", "/Query/getItem", "id=7", ""]
    assert env.answers(payload("function-url", "get_root").event)["statusCode"] == 200


def test_a_source_that_raises_fails_its_invocation_alone(launch: Launcher) -> None:
    """The traceback is logged and reported; the next event is served."""
    env = launch("iot_source:app", {"EVERLOOP_SOURCES": "iot_source:Raising"})

    error = env.invoke(payload("iot-rule", "telemetry").event).error()
    assert error["errorType"] == "ZeroDivisionError"
    env.process.wait_for_log("in decode")
    assert env.answers(payload("function-url", "get_root").event)["statusCode"] == 200


@pytest.mark.parametrize("app", ["app", "careless"])
def test_a_source_that_cannot_encode_fails_its_invocation_alone(launch: Launcher, app: str) -> None:
    """A response that nobody can encode is none, whatever the application makes of that: Lambda is told."""
    env = launch(f"iot_source:{app}", {"EVERLOOP_SOURCES": "iot_source:CannotEncode"})

    error = env.invoke(payload("iot-rule", "telemetry").event).error()
    assert error["errorType"] == ("ZeroDivisionError" if app == "app" else "Runtime.IncompleteResponse")
    env.process.wait_for_log("An event source raised.*in encode")
    assert not env.process.logged("the response stands|please report")
    assert env.answers(payload("function-url", "get_root").event)["statusCode"] == 200


def test_a_source_that_cannot_be_loaded_is_an_initialisation_error(launch: Launcher) -> None:
    """As any other wrong setting."""
    env = launch("iot_source:app", {"EVERLOOP_SOURCES": "iot_source:IotRul"})

    report = env.api.wait_for_request("init/error")
    assert report.json()["errorType"] == "Runtime.InvalidSettings"
    assert "did you mean 'IotRule'" in report.json()["errorMessage"]
    assert env.process.exit_code() == 1
