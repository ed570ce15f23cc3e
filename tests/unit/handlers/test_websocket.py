"""WebSocket events through an ASGI application: what it sees, and what is answered whatever it does."""

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, cast

import pytest

from everloop.asgi.types import Application, Receive, Scope, Send
from everloop.background import wait_until
from everloop.handlers.asgi import AsgiHandler
from everloop.handlers.base import ApplicationExit
from everloop.handlers.front import Front
from everloop.invocation import Invocation, current
from support.aws_server import CREDENTIALS
from support.payloads import Payload, payload, payloads, typed
from support.sinks import RecordingReply

if TYPE_CHECKING:
    from everloop.api.reply import Reply

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


async def told(handler: AsgiHandler, event: object) -> list[tuple[Any, ...]]:
    """Hand one event to a handler and give what its reply was told."""
    invocation = Invocation({b"Lambda-Runtime-Aws-Request-Id": b"id-1"}, json.dumps(event).encode())
    current.set(invocation)
    reply = RecordingReply()
    await handler.handle(invocation, cast("Reply", reply))
    return reply.told


async def answer(app: Application, event: object) -> Any:
    [(how, document, _)] = await told(AsgiHandler(app, {"pool": 1}, Front(streaming=False)), event)
    assert how == "complete"
    return json.loads(document)


def as_received(message: dict[str, Any]) -> dict[str, Any]:
    if "bytes" in message:
        message["bytes"] = message["bytes"].encode("latin-1")
    return message


@pytest.mark.parametrize("case", payloads("websocket"), ids=lambda case: case.id)
async def test_the_application_sees_the_whole_scope_and_every_message(case: Payload) -> None:
    """The file beside the payload holds both."""
    expected = json.loads(case.scope_path.read_text(encoding="utf-8"))
    seen: dict[str, Any] = {}
    received: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(scope)
        received.append(await receive())
        await send({"type": "websocket.accept"})
        while received[-1]["type"] != "websocket.disconnect":
            received.append(await receive())

    assert await answer(app, case.event) == {"statusCode": 200}

    assert seen.pop("aws.context").aws_request_id == "id-1"
    assert seen == typed(expected["scope"]) | {
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "state": {"pool": 1},
        "extensions": {},
        "aws.event": case.event,
    }
    assert received == [as_received(message) for message in expected["received"]]


async def test_a_message_sees_the_scope_of_its_handshake() -> None:
    """Query, headers and sub-protocols come out of the store, the event is the message's."""
    scopes: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(dict(scope))
        await send({"type": "websocket.accept"})

    handler = AsgiHandler(app, {}, Front(streaming=False))
    for case in ("connect", "message", "disconnect", "message"):
        await told(handler, payload("websocket", case).event)

    [first, second, third, fourth] = [
        {name: scope[name] for name in ("query_string", "headers", "subprotocols", "client", "server")}
        for scope in scopes
    ]
    assert first == second == third
    assert scopes[1]["aws.event"] == payload("websocket", "message").event
    assert (fourth["query_string"], fourth["headers"]) == (b"", [])  # forgotten with the disconnect


@pytest.mark.parametrize("case", ["connect", "message", "disconnect"])
@pytest.mark.parametrize("error", [ValueError("no luck"), asyncio.CancelledError()])
async def test_an_exception_is_logged_and_answered(
    case: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """The environment lives on."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    with caplog.at_level(logging.ERROR):
        assert await answer(app, payload("websocket", case).event) == {"statusCode": 500}
    assert type(error).__name__ in caplog.text


async def test_an_exception_after_the_accept_leaves_it(caplog: pytest.LogCaptureFixture) -> None:
    """The connection is open already."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        raise ValueError("too late")

    with caplog.at_level(logging.ERROR):
        assert await answer(app, payload("websocket", "connect").event) == {"statusCode": 200}
    assert "too late" in caplog.text


async def test_an_exit_is_the_processs_end() -> None:
    """As with HTTP."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise SystemExit(3)

    with pytest.raises(ApplicationExit) as caught:
        await answer(app, payload("websocket", "message").event)
    assert caught.value.code == 3


async def test_the_next_poll_waits_for_background_work() -> None:
    """What is given to `wait_until()` is done when the handler returns."""
    done: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append("work")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        wait_until(work())

    await answer(app, payload("websocket", "message").event)
    assert done == ["work"]


async def test_a_malformed_event_is_an_invocation_error() -> None:
    """The application is not called."""
    event = payload("websocket", "message").event
    event["requestContext"]["connectionId"] = None

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("called")

    [(how, error_type, message)] = await told(AsgiHandler(app, {}, Front(streaming=False)), event)
    assert (how, error_type) == ("fail", "Runtime.MalformedEvent")
    assert "connectionId" in message
