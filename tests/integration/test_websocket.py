"""WebSocket connections through the real bootstrap: each frame an invocation, each answer a signed post."""

import json
from collections.abc import Iterator

import pytest

from support.aws_server import CREDENTIALS, AwsServer
from support.environment import Environment, Launcher
from support.sample_events import function_url
from support.websocket_events import connect, disconnect, message

PATH = "/@connections/conn-1%3D"
OK = {"statusCode": 200}


@pytest.fixture
def server() -> Iterator[AwsServer]:
    with AwsServer() as server:
        yield server
        assert server.faults == []


def start(launch: Launcher, server: AwsServer, handler: str = "websocket_app:app", **env: str) -> Environment:
    endpoints = {"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": server.url}
    return launch(handler, {**CREDENTIALS, **endpoints, **env})


def test_a_conversation(launch: Launcher, loop: dict[str, str], server: AwsServer) -> None:
    """Handshake, messages, end: one environment, the scope of the handshake throughout, HTTP beside it."""
    env = start(launch, server, **loop)

    accepted = env.answers(connect(query={"room": "7"}, Sec_WebSocket_Protocol="v1, v2", Cookie="sid=abc", Origin="o"))
    assert accepted == {"statusCode": 200, "headers": {"x-answered": "yes", "Sec-WebSocket-Protocol": "v2"}}
    assert env.answers(message("hi")) == OK
    assert env.answers(message("who")) == OK
    assert env.answers(message("many")) == OK
    assert env.answers(message("bytes")) == OK
    assert env.answers(function_url("/"))["body"] == "hello"
    assert env.answers(disconnect()) == OK
    env.process.wait_for_log("disconnected 1001 Going away")

    bodies = [body for method, path, body in server.told if (method, path) == ("POST", PATH)]
    assert bodies[0] == b"echo hi"
    assert json.loads(bodies[1]) == {
        "query": "room=7",
        "origin": "o",
        "sid": "abc",
        "client": "192.0.2.44",
        "url": "wss://k1l2m3n4o5.execute-api.eu-west-1.amazonaws.com/?room=7",
    }
    assert bodies[2:] == [b"0", b"1", b"2", b"3", b"4", b"\0\xff"]
    assert len(bodies) == len(server.told)
    assert "Traceback" not in env.process.log


def test_a_refused_handshake_is_403(launch: Launcher, server: AwsServer) -> None:
    """`websocket.close` before `websocket.accept`."""
    env = start(launch, server)

    assert env.answers(connect(query={"token": "wrong"})) == {"statusCode": 403}
    assert server.told == []


@pytest.mark.parametrize(
    ("do", "logged"), [("raise", "ZeroDivisionError"), ("return", "before it had accepted or closed")]
)
def test_a_handshake_without_an_answer_is_500(launch: Launcher, server: AwsServer, do: str, logged: str) -> None:
    """The client is refused, the log says why, and the next connection is served."""
    env = start(launch, server)

    assert env.answers(connect(query={"do": do})) == {"statusCode": 500}
    env.process.wait_for_log(logged)
    assert env.answers(connect())["statusCode"] == 200


def test_a_message_may_follow_the_accept_at_once(launch: Launcher, server: AwsServer) -> None:
    """API Gateway opens the connection when it has the answer: until then it says 410, which is waited out."""
    env = start(launch, server)
    server.statuses = [410, 410, 410]

    assert env.answers(connect(query={"do": "welcome"}))["statusCode"] == 200
    env.api.wait_for_poll()

    assert [request.body for request in server.wait_for(4)] == [b"welcome"] * 4
    env.process.wait_for_log("disconnected 1012")


def test_a_failing_message_leaves_the_connection(launch: Launcher, server: AwsServer) -> None:
    """The exception is logged; the next message is served."""
    env = start(launch, server)
    env.answers(connect())

    assert env.answers(message("raise")) == {"statusCode": 500}
    env.process.wait_for_log("ZeroDivisionError: in a message")
    assert env.answers(message("hi")) == OK
    assert server.told == [("POST", PATH, b"echo hi")]


def test_close_deletes_the_connection(launch: Launcher, server: AwsServer) -> None:
    """What `websocket.close` becomes, once."""
    env = start(launch, server)
    env.answers(connect())

    assert env.answers(message("close")) == OK
    assert server.told == [("DELETE", PATH, b"")]


@pytest.mark.parametrize("said", ["hi", "close"])
def test_a_gone_connection_ends_the_application_and_its_disconnect_says_who_left(
    launch: Launcher, server: AwsServer, said: str
) -> None:
    """Starlette makes `WebSocketDisconnect` of the `OSError`; the handshake is kept for what comes after."""
    env = start(launch, server, "websocket_app:farewell")
    env.answers(connect(query={"room": "7"}, Cookie="sid=abc"))
    server.gone = True

    env.answers(message(said))
    env.process.wait_for_log("disconnected 1006")
    env.answers(disconnect())

    env.process.wait_for_log("left room=7 sid=abc 1001")
    assert env.process.logged("is not known here") == []


def test_the_end_of_an_unknown_connection_is_no_reason_to_warn(launch: Launcher, server: AwsServer) -> None:
    """The one warning is for a message that finds its handshake missing."""
    env = start(launch, server)

    assert env.answers(disconnect()) == OK
    env.process.wait_for_log("disconnected 1001")
    assert env.process.logged("is not known here") == []
    assert env.answers(message("hi")) == OK
    env.process.wait_for_log("is not known here")


def test_a_disconnect_that_nobody_catches_is_no_failure(launch: Launcher, server: AwsServer) -> None:
    """Every event ends with one, so it must not fill the log with tracebacks."""
    env = start(launch, server, "websocket_app:uncaught")

    assert env.answers(connect()) == OK
    assert env.answers(message("hi")) == OK
    assert env.answers(disconnect()) == OK
    assert server.told == [("POST", PATH, b"echo hi")]
    assert "Traceback" not in env.process.log


def test_a_connection_of_another_environment_is_served_with_a_warning(launch: Launcher, server: AwsServer) -> None:
    """The memory store cannot know it: one warning names the setting."""
    env = start(launch, server)

    assert env.answers(message("hi")) == OK
    assert env.answers(message("ho")) == OK
    env.process.wait_for_log("EVERLOOP_WEBSOCKET_STORE=dynamodb:TABLE")
    assert len(env.process.logged("is not known here")) == 1


def test_a_message_is_stopped_before_its_deadline(launch: Launcher, server: AwsServer) -> None:
    """An application that hangs costs one message, not the environment."""
    env = start(launch, server, EVERLOOP_DEADLINE_MARGIN="0.5")
    env.answers(connect())

    assert env.invoke(message("slow"), timeout=1.5).response() == {"statusCode": 504}
    env.process.wait_for_log("Runtime.DeadlineExceeded")
    assert env.invoke(connect(query={"do": "wait"}), timeout=1.5).response() == {"statusCode": 504}
    assert env.answers(message("hi")) == OK


def test_missing_packages_are_named(launch: Launcher, server: AwsServer) -> None:
    """Without the extra the invocation fails and says what to install; HTTP goes on."""
    env = start(launch, server, "without_httpx:app")

    error = env.invoke(connect()).error()
    assert error["errorType"] == "Runtime.MissingExtra"
    assert "everloop[websocket]" in error["errorMessage"]
    assert env.answers(function_url("/"))["body"] == "hello"


def test_http_does_not_load_what_websockets_need(launch: Launcher, server: AwsServer) -> None:
    """Only a WebSocket event pays for botocore and httpx."""
    env = start(launch, server, "loaded_modules:app")

    assert json.loads(env.answers(function_url("/"))["body"]) == []
    env.answers(connect())
    assert json.loads(env.answers(function_url("/"))["body"]) == ["botocore", "httpx"]


@pytest.mark.slow
def test_a_litestar_listener(launch: Launcher, server: AwsServer) -> None:
    """Another framework's idea of a WebSocket."""
    pytest.importorskip("litestar")
    env = start(launch, server, "websocket_litestar:app")

    assert env.answers(connect(query={"token": "wrong"}))["statusCode"] == 403
    assert env.answers(connect(query={"room": "7"})) == OK
    assert env.answers(message("hi")) == OK
    assert env.answers(message("ho")) == OK
    assert env.answers(disconnect()) == OK
    assert server.told == [("POST", PATH, b"7: hi"), ("POST", PATH, b"7: ho")]
    assert "Traceback" not in env.process.log


@pytest.mark.slow
def test_a_channels_consumer(launch: Launcher, server: AwsServer) -> None:
    """Django's consumers live as long as an event."""
    pytest.importorskip("channels")
    env = start(launch, server, "websocket_channels:app")

    assert env.answers(connect(query={"room": "7"})) == OK
    assert env.answers(message("hi")) == OK
    assert env.answers(disconnect()) == OK
    env.process.wait_for_log("disconnected 1001")
    assert [json.loads(body) for _, _, body in server.told] == [{"room": "room=7", "said": "hi"}]
    assert "Traceback" not in env.process.log
