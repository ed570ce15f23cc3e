"""WebSocket connections of the gateway, with a function that answers as the test says and a server that is the test."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from everloop.dev.calls import CallFailed, Failure
from everloop.dev.gateway import Gateway, GatewayConfig, environment_for
from everloop.dev.gateway.connections import Connections
from everloop.dev.gateway.sockets import Sockets
from everloop.dev.gateway.websocket import UNDER_WAY
from support.scripted_lambda import AsgiClient, ScriptedLambda

pytestmark = pytest.mark.anyio

OK = b'{"statusCode": 200}'


class SocketClient:
    """What an ASGI server does for one WebSocket connection."""

    def __init__(self, *, extensions: tuple[str, ...] = (), headers: list[tuple[bytes, bytes]] | None = None) -> None:
        self.scope: dict[str, Any] = {
            "type": "websocket",
            "scheme": "ws",
            "path": "/",
            "raw_path": b"/",
            "query_string": b"",
            "headers": headers or [],
            "client": ("192.0.2.7", 50000),
            "server": ("127.0.0.1", 9000),
            "subprotocols": [],
            "extensions": {name: {} for name in extensions},
        }
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        return await self.incoming.get()

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if message["type"] == "websocket.close":  # the client answers with the same code
            self.say("disconnect", code=message.get("code"), reason=message.get("reason"))

    def say(self, kind: str, **fields: Any) -> None:
        self.incoming.put_nowait({"type": f"websocket.{kind}", **fields})

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.sent]


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not met():  # noqa: ASYNC110 - the condition is another task's
            await asyncio.sleep(0)


def events(function: ScriptedLambda) -> list[Any]:
    return [json.loads(call.payload) for call in function.calls]


async def serve(function: ScriptedLambda, client: SocketClient, **config: Any) -> None:
    await Gateway(function, GatewayConfig(**config), function.journal)(client.scope, client.receive, client.send)


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ([b'{"statusCode": 401}'], 401),
        ([b'{"statusCode": 302}'], 403),
        ([b'{"statusCode": "x"}'], 502),
        ([b"null"], 502),
        ([b"no json"], 502),
        ([CallFailed(Failure.FUNCTION, "Function.Oops", b"{}")], 502),
    ],
)
async def test_a_refused_handshake_has_a_status(steps: list[Any], status: int) -> None:
    """Where the server can send one; else it closes, which servers make 403."""
    client = SocketClient(extensions=("websocket.http.response",))
    await serve(ScriptedLambda(*steps), client)
    assert client.sent[0]["status"] == status
    assert client.kinds() == ["websocket.http.response.start", "websocket.http.response.body"]

    client = SocketClient()
    await serve(ScriptedLambda(*steps), client)
    assert client.sent == [{"type": "websocket.close"}]


async def test_subprotocol_comes_from_the_answers_headers() -> None:
    """In any spelling; no other header of the answer goes with the handshake."""
    client = SocketClient()
    client.say("disconnect", code=1000)
    await serve(ScriptedLambda(b'{"statusCode": 200, "headers": {"sec-websocket-PROTOCOL": "v2", "x": "y"}}'), client)

    assert client.sent == [{"type": "websocket.accept", "subprotocol": "v2", "headers": []}]


async def test_events_of_a_connection() -> None:
    """Each frame is one call, with a label for the journal; the connection's own facts are the same in all."""
    function = ScriptedLambda(OK)
    client = SocketClient(headers=[(b"user-agent", b"test"), (b"sec-websocket-key", b"x")])
    client.scope |= {"query_string": b"a=1&a=2%20", "raw_path": b"/chat"}
    client.say("receive", text="hi")
    client.say("disconnect", code=1005, reason="")
    await serve(function, client, websocket_stage="dev")

    connect, message, disconnect = events(function)
    assert [call.label for call in function.calls] == [
        "$connect /chat?a=1&a=2%20",
        "$default hi",
        "$disconnect 1005",
    ]
    assert connect["headers"]["Sec-WebSocket-Key"] == "x"
    assert connect["queryStringParameters"] == {"a": "2 "}
    assert connect["multiValueQueryStringParameters"] == {"a": ["1", "2 "]}
    assert message["body"] == "hi"
    assert "headers" not in message
    assert disconnect["requestContext"]["disconnectReason"] == "Client-side close frame status not set"
    same = ("connectionId", "connectedAt", "domainName", "stage", "apiId", "identity")
    assert len({json.dumps([event["requestContext"][name] for name in same]) for event in events(function)}) == 1
    assert connect["requestContext"]["identity"] == {"sourceIp": "192.0.2.7", "userAgent": "test"}
    assert connect["requestContext"]["stage"] == "dev"


async def test_a_client_that_vanished_is_told_from_one_that_closed() -> None:
    """The server knows no reason where there was no close frame: that is 1006 (RFC 6455, section 7.1.5)."""
    function, client = ScriptedLambda(OK), SocketClient()
    client.say("disconnect", code=1005)
    await serve(function, client)

    context = events(function)[-1]["requestContext"]
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (1006, "Connection closed abnormally")


async def test_a_binary_frame_ends_the_connection() -> None:
    """With 1003, as API Gateway does; the function hears of the end alone."""
    function, client = ScriptedLambda(OK), SocketClient()
    client.say("receive", bytes=b"")
    async with asyncio.timeout(30):
        await serve(function, client)

    assert (client.sent[-1]["type"], client.sent[-1]["code"]) == ("websocket.close", 1003)
    assert [call.label for call in function.calls] == ["$connect /", "$disconnect 1003"]


@pytest.mark.parametrize("path", ["/dev/@connections/", "/dev/%40connections/", "/d%65v/@connections/"])
async def test_what_is_posted_becomes_a_text_frame(path: str) -> None:
    """Whatever it is, and however the SDK at hand encodes the path."""
    function, client = ScriptedLambda(OK), SocketClient()
    gateway = Gateway(function, GatewayConfig(websocket_stage="dev"), function.journal)
    serving = asyncio.ensure_future(gateway(client.scope, client.receive, client.send))
    await until(lambda: client.kinds() == ["websocket.accept"])
    found = events(function)[0]["requestContext"]["connectionId"]
    for body in (b"abc", "grüezi".encode(), b"\xff\0"):
        post = AsgiClient(f"{path}{quote(found)}", method="POST", body=[body])
        await gateway(post.scope, post.receive, post.send)
        assert post.status == 200
    client.say("disconnect", code=1000, reason="")
    await serving

    assert client.sent[1:] == [{"type": "websocket.send", "text": text} for text in ("abc", "grüezi", "\ufffd\0")]


@pytest.mark.parametrize(
    ("steps", "client_got", "refused"),
    [
        ([b'{"statusCode": 200}'], 200, False),
        ([b'{"statusCode": 403}'], 403, True),
        ([b'{"statusCode": 302}'], 403, True),
        ([b"no json"], 502, True),
        ([CallFailed(Failure.FUNCTION, "Function.Oops", b"{}")], 502, True),
    ],
)
async def test_the_journal_has_the_status_of_a_handshake(steps: list[Any], client_got: int, refused: bool) -> None:
    """The one that the client got."""
    function, client = ScriptedLambda(*steps), SocketClient()
    client.say("disconnect", code=1000, reason="")
    await serve(function, client)

    connect, *others = function.executions
    assert connect.record.status == client_got
    assert len(others) == (0 if refused else 1)
    assert connect.record.error_type == ("Gateway.MalformedAnswer" if steps == [b"no json"] else None)


@pytest.mark.parametrize(
    ("answer", "status"),
    [(b'{"statusCode": 500}', 500), (b"null", None), (b'{"statusCode": "x"}', None), (b"no json", 502)],
)
async def test_the_journal_has_the_status_of_a_message(answer: bytes, status: int | None) -> None:
    """The one that the function gave, for the client gets none; `$disconnect` too."""
    function, client = ScriptedLambda(OK), SocketClient()
    serving = asyncio.ensure_future(serve(function, client))
    await until(lambda: client.kinds() == ["websocket.accept"])
    function.steps = (answer,)
    client.say("receive", text="hi")
    client.say("disconnect", code=1000, reason="")
    await serving

    assert [execution.record.status for execution in function.executions] == [200, status, status]


async def test_a_label_is_one_line_of_text() -> None:
    """What a client sends commands no terminal."""
    function, client = ScriptedLambda(OK), SocketClient()
    client.say("receive", text='{\n\t"a": "ü\x1b[2J\u202e"}')
    client.say("disconnect", code=1000, reason="")
    await serve(function, client)

    assert function.calls[1].label == '$default {\\n\\t"a": "ü\\x1b[2J\\u202e"}'


@pytest.mark.parametrize("limit", ["idle_seconds", "life_seconds"])
async def test_a_silent_or_old_connection_is_closed(limit: str) -> None:
    """With 1001, as API Gateway does after ten minutes of silence or two hours; the function is told."""
    function, client = ScriptedLambda(OK), SocketClient()
    sockets = Sockets(function, GatewayConfig(), Connections(), function.journal, **{limit: 0.05})
    client.say("receive", text="hi")
    async with asyncio.timeout(30):
        await sockets.serve(client.scope, client.receive, client.send)

    assert client.sent[-1] == {"type": "websocket.close", "code": 1001, "reason": "Going away"}
    assert [call.label for call in function.calls] == ["$connect /", "$default hi", "$disconnect 1001"]


async def test_what_the_function_says_counts_as_activity() -> None:
    """A connection on which only one side speaks is not silent."""
    function, client = ScriptedLambda(OK), SocketClient()
    connections = Connections()
    sockets = Sockets(function, GatewayConfig(), connections, function.journal, idle_seconds=0.5)
    serving = asyncio.ensure_future(sockets.serve(client.scope, client.receive, client.send))
    await until(lambda: len(connections) == 1)
    found = events(function)[0]["requestContext"]["connectionId"]
    began, posts = time.monotonic(), 0
    while time.monotonic() < began + 0.8:
        await asyncio.sleep(0.02)
        posts += 1
        post = AsgiClient(method="POST", body=[b"tick"])
        await connections.serve(found, post.scope, post.receive, post.send)
        assert post.status == 200
    assert client.kinds() == ["websocket.accept"] + ["websocket.send"] * posts
    client.say("disconnect", code=1000)
    await serving


async def test_messages_wait_when_many_are_under_way() -> None:
    """Memory does not grow with what a client sends faster than the function works."""
    going = asyncio.Event()
    function, client = ScriptedLambda(OK), SocketClient()
    serving = asyncio.ensure_future(serve(function, client))
    await until(lambda: client.kinds() == ["websocket.accept"])
    function.steps = (going, OK)
    for number in range(UNDER_WAY + 10):
        client.say("receive", text=str(number))
    await until(lambda: len(function.calls) == 1 + UNDER_WAY)
    for _ in range(20):
        await asyncio.sleep(0)

    assert len(function.calls) == 1 + UNDER_WAY
    going.set()
    client.say("disconnect", code=1000)
    await serving
    assert [event["body"] for event in events(function)[1:-1]] == [str(number) for number in range(UNDER_WAY + 10)]


async def test_messages_on_their_way_come_before_the_end() -> None:
    """`$disconnect` is the last event of a connection."""
    going = asyncio.Event()
    function, client = ScriptedLambda(OK), SocketClient()
    serving = asyncio.ensure_future(serve(function, client))
    await until(lambda: client.kinds() == ["websocket.accept"])
    function.steps = (going, OK)
    client.say("receive", text="late")
    client.say("disconnect", code=1000)
    await until(lambda: len(function.calls) == 2)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(function.calls) == 2
    going.set()
    await serving

    assert function.calls[-1].label == "$disconnect 1000"


async def test_a_restart_closes_connections_while_their_function_is_there() -> None:
    """With 1012 for the client; the function hears 1001, for in its own words 1012 is a connection that goes on."""
    function, client = ScriptedLambda(OK), SocketClient()
    gateway = Gateway(function, GatewayConfig(), function.journal)
    serving = asyncio.ensure_future(gateway(client.scope, client.receive, client.send))
    await until(lambda: client.kinds() == ["websocket.accept"])
    async with asyncio.timeout(30), gateway.restart():
        labels = [call.label for call in function.calls]
    await serving

    assert client.sent[-1]["code"] == 1012
    assert "loaded anew" in client.sent[-1]["reason"]
    assert labels == ["$connect /", "$disconnect 1001"]


async def test_a_handshake_waits_for_a_restart() -> None:
    """A client that comes back at once finds the new function, and stays."""
    function, client = ScriptedLambda(OK), SocketClient()
    gateway = Gateway(function, GatewayConfig(), function.journal)
    async with gateway.restart():
        serving = asyncio.ensure_future(gateway(client.scope, client.receive, client.send))
        for _ in range(20):
            await asyncio.sleep(0)
        assert function.calls == []
    client.say("disconnect", code=1000, reason="")
    await serving

    assert client.kinds() == ["websocket.accept"]


async def test_a_handshake_under_way_is_closed_by_a_restart() -> None:
    """What the old function has accepted, the new one does not know."""
    going = asyncio.Event()
    function, client = ScriptedLambda(going, OK), SocketClient()
    gateway = Gateway(function, GatewayConfig(), function.journal)
    serving = asyncio.ensure_future(gateway(client.scope, client.receive, client.send))
    await until(lambda: len(function.calls) == 1)
    restart = gateway.restart()
    restarting = asyncio.ensure_future(restart.__aenter__())
    for _ in range(20):
        await asyncio.sleep(0)
    going.set()
    async with asyncio.timeout(30):
        await restarting
    await restart.__aexit__(None, None, None)
    await serving

    assert client.kinds() == ["websocket.accept", "websocket.close"]
    assert [call.label for call in function.calls] == ["$connect /", "$disconnect 1001"]


async def test_a_restart_waits_for_no_function_that_hangs() -> None:
    """Its connections are closed all the same; their ends come when what was before them has."""
    going = asyncio.Event()
    function, client = ScriptedLambda(OK), SocketClient()
    sockets = Sockets(function, GatewayConfig(), Connections(), function.journal, farewell_seconds=0.05)
    serving = asyncio.ensure_future(sockets.serve(client.scope, client.receive, client.send))
    await until(lambda: client.kinds() == ["websocket.accept"])
    function.steps = (going, OK)
    client.say("receive", text="hangs")
    await until(lambda: len(function.calls) == 2)
    async with asyncio.timeout(30), sockets.restart():
        assert client.sent[-1]["code"] == 1012
        assert len(function.calls) == 2
    going.set()
    await serving

    assert function.calls[-1].label == "$disconnect 1001"


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ('{"action": "join"}', "join"),
        ('{"action": "other"}', "$default"),
        ('{"action": ["join"]}', "$default"),
        ('["join"]', "$default"),
        ("join", "$default"),
    ],
)
async def test_route_is_selected_by_the_body(text: str, route: str) -> None:
    """`$request.body.action`, where the API has that route."""
    function, client = ScriptedLambda(OK), SocketClient()
    client.say("receive", text=text)
    client.say("disconnect", code=1000)
    await serve(function, client, routes=frozenset({"join"}))

    assert events(function)[1]["requestContext"]["routeKey"] == route


@pytest.mark.parametrize("body", [b"x" * 131_072, b"x" * 131_073])
async def test_posts_have_a_limit(body: bytes) -> None:
    """128 KB; and the connection must be there."""
    connections = Connections()
    post = AsgiClient(method="POST", body=[body])
    await connections.serve("nobody%3D", post.scope, post.receive, post.send)

    assert post.status == (410 if len(body) == 131_072 else 413)
    assert post.headers["x-amzn-errortype"] == ("GoneException" if post.status == 410 else "PayloadTooLargeException")


def test_environment_leads_to_the_gateway() -> None:
    """With the stage, which everloop and boto3 leave to the endpoint; a user's own endpoint wins."""
    name = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"
    config = GatewayConfig(websocket_stage="dev")

    assert environment_for("http://127.0.0.1:9000/", config, {}) == {name: "http://127.0.0.1:9000/dev"}
    assert environment_for("http://127.0.0.1:9000", config, {name: "http://mine"}) == {}


@pytest.mark.parametrize("proxy", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    ("before", "after"),
    [({}, "127.0.0.1"), ({"NO_PROXY": "a.example"}, "a.example,127.0.0.1"), ({"no_proxy": "b"}, "b,127.0.0.1")],
)
def test_no_proxy_stands_between(proxy: str, before: dict[str, str], after: str) -> None:
    """A proxy of the user's shell does not know this machine's own address."""
    found = environment_for("http://127.0.0.1:9000", GatewayConfig(), {proxy: "http://proxy:3128", **before})

    assert found["NO_PROXY"] == found["no_proxy"] == after
