"""What docs/event-sources.md shows, run as it stands."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from everloop.sources.registry import BUILT_IN
from support.aws_server import CREDENTIALS, AwsServer
from support.environment import Launcher
from support.payloads import payload
from support.websocket_events import connect, disconnect, message

DOCS = (Path(__file__).parents[2] / "docs" / "event-sources.md").read_text(encoding="utf-8")


def block(containing: str) -> str:
    [found] = [text for text in re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL) if containing in text]
    return str(found)


@pytest.fixture
def server() -> Iterator[AwsServer]:
    with AwsServer() as server:
        yield server


def test_the_websocket_pattern(launch: Launcher, tmp_path: Path, server: AwsServer) -> None:
    """Greeting once, query in every call, refusal without it."""
    (tmp_path / "main.py").write_text(block("WebSocketRoute"))
    endpoint = {"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": server.url}
    env = launch("main:app", {**CREDENTIALS, **endpoint}, task_root=tmp_path)

    assert env.answers(connect()) == {"statusCode": 403}
    for event in (connect(query={"room": "7"}), message("hi"), message("ho"), disconnect()):
        assert env.answers(event) == {"statusCode": 200}
    assert [body for _, _, body in server.told] == [b"welcome to 7", b"1: hi", b"2: ho"]
    assert "Traceback" not in env.process.log


def test_the_source_of_the_users_own(launch: Launcher, tmp_path: Path) -> None:
    """The class, and an application that sees a request."""
    app = (
        "async def app(scope, receive, send):\n"
        "    assert scope['type'] == 'http' and scope['path'] == '/iot/sensors/7', scope\n"
        "    await send({'type': 'http.response.start', 'status': 204, 'headers': []})\n"
        "    await send({'type': 'http.response.body'})\n"
    )
    (tmp_path / "my_sources.py").write_text(block("class IotRule"))
    (tmp_path / "main.py").write_text(app)
    env = launch("main:app", {"EVERLOOP_SOURCES": "my_sources:IotRule"}, task_root=tmp_path)

    assert json.dumps(env.answers(payload("iot-rule", "telemetry").event)) == '{"accepted": true}'


def test_every_source_is_named() -> None:
    """By the name that the log uses."""
    assert [source.name for source in BUILT_IN if f"`{source.name}`" not in DOCS] == []
