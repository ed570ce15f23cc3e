"""WebSocket connections through the gateway to the real function, and back through `@connections`."""

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from everloop.dev.gateway import GatewayConfig
from everloop.dev.journal import Record
from support.gateways import PATIENCE, Gateways


@pytest.fixture(scope="module")
def gateways() -> Iterator[Gateways]:
    """The chat of tests/apps behind a gateway."""
    with Gateways("websocket_app:app") as gateways:
        yield gateways


def dial(gateways: Gateways, query: str = "", **how: Any) -> ClientConnection:
    url = f"ws{gateways.url.removeprefix('http')}/{query}"
    client: ClientConnection = connect(url, open_timeout=PATIENCE, proxy=None, **how)
    return client


def ask(client: ClientConnection, text: str | bytes) -> str | bytes:
    client.send(text)
    return client.recv(PATIENCE)


def last(gateways: Gateways, label: str) -> Record:
    """The latest record with a label that begins so."""
    found: Record = gateways.until(
        lambda: next((one for one in reversed(gateways.records()) if one.label.startswith(label)), None), label
    )
    return found


def event_of(record: Record) -> Any:
    return json.loads(record.event)


def connection_id(gateways: Gateways) -> str:
    found: str = event_of(last(gateways, "$connect"))["requestContext"]["connectionId"]
    return found


def management(gateways: Gateways) -> Any:
    """AWS's own client, as a function of the user's would make it."""
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=f"{gateways.url}/prod",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )


def test_a_conversation(gateways: Gateways) -> None:
    """Handshake, messages, the end: what the application says arrives, in order, and it sees the handshake."""
    headers = {"Cookie": "sid=abc", "X-Id": "7"}
    with dial(gateways, "?room=7", subprotocols=["v1", "v2"], additional_headers=headers, origin="http://o") as client:
        assert client.subprotocol == "v2"
        assert ask(client, "hi") == "echo hi"
        client.send("many")
        assert [client.recv(PATIENCE) for _ in range(5)] == ["0", "1", "2", "3", "4"]
        assert ask(client, "bytes") == "\0\ufffd"
        who = json.loads(ask(client, "who"))
        assert who["query"] == "room=7"
        assert who["origin"] == "http://o"
        assert who["sid"] == "abc"
        assert who["client"] == "127.0.0.1"
        assert who["url"] == f"ws{gateways.url.removeprefix('http')}/?room=7"
        client.close(1001, "Going away")

    record = last(gateways, "$disconnect")
    gateways.until(lambda: record.finished_at is not None)
    context = event_of(record)["requestContext"]
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (1001, "Going away")
    assert "disconnected 1001 Going away" in gateways.lines
    assert {one.source for one in gateways.records()} == {"websocket"}
    connected = event_of(last(gateways, "$connect"))
    assert connected["headers"]["X-Id"] == "7"
    assert connected["multiValueHeaders"]["Sec-WebSocket-Version"] == ["13"]


def test_a_connection_closed_by_the_application(gateways: Gateways) -> None:
    """It ends for the client with code 1000, the only one that `@connections` has."""
    with dial(gateways) as client:
        with pytest.raises(ConnectionClosed) as closed:
            ask(client, "close")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000


def test_messages_sent_in_the_handshake_arrive(gateways: Gateways) -> None:
    """The connection is known once `$connect` is answered."""
    with dial(gateways, "?do=welcome") as client:
        assert client.recv(PATIENCE) == "welcome"


@pytest.mark.parametrize("query", ["?token=wrong", "?do=return", "?do=raise"])
def test_a_refused_handshake_is_no_connection(gateways: Gateways, query: str) -> None:
    """The handshake fails with a status, and nothing is known afterwards."""
    with pytest.raises(InvalidStatus) as refused, dial(gateways, query):
        pass

    assert refused.value.response.status_code in (403, 500, 502)
    if query == "?token=wrong":
        assert refused.value.response.status_code == 403
    found = connection_id(gateways)
    answer = httpx.get(f"{gateways.url}/prod/@connections/{found.replace('=', '%3D')}")
    assert answer.status_code == 410
    assert answer.headers["x-amzn-errortype"] == "GoneException"


def test_failures_of_the_function() -> None:
    """A handshake gets 502; a message is answered in API Gateway's words, and the connection goes on."""
    config = GatewayConfig(route_responses=frozenset({"$default"}))
    with Gateways("gateway_functions:raises_at", config) as gateways:
        with pytest.raises(InvalidStatus) as refused, dial(gateways, "?raise=1"):
            pass
        assert refused.value.response.status_code == 502
        assert refused.value.response.headers["x-everloop-error"] == "Function.ZeroDivisionError"
        with dial(gateways) as client:
            told = json.loads(ask(client, "raise"))
            assert told["message"] == "Internal server error"
            assert told["connectionId"] == connection_id(gateways)
            assert ask(client, "hi") == "hi"


def test_connections_api_with_aws_client(gateways: Gateways) -> None:
    """POST sends, GET tells, DELETE closes, and then all three are 410."""
    api = management(gateways)
    with dial(gateways) as client:
        found = connection_id(gateways)
        assert found.endswith("=")
        api.post_to_connection(ConnectionId=found, Data="grüezi".encode())
        assert client.recv(PATIENCE) == "grüezi"
        api.post_to_connection(ConnectionId=found, Data=b"\xff\0")
        assert client.recv(PATIENCE) == "\ufffd\0"
        told = api.get_connection(ConnectionId=found)
        assert told["Identity"]["SourceIp"] == "127.0.0.1"
        assert told["Identity"]["UserAgent"].startswith("Python/")
        assert told["ConnectedAt"] <= told["LastActiveAt"]
        with pytest.raises(ClientError) as refused:
            api.post_to_connection(ConnectionId=found, Data=b"x" * 131_073)
        assert refused.value.response["Error"]["Code"] == "PayloadTooLargeException"
        api.delete_connection(ConnectionId=found)
        with pytest.raises(ConnectionClosed):
            client.recv(PATIENCE)
    for call in (api.get_connection, api.delete_connection):
        with pytest.raises(ClientError) as gone:
            call(ConnectionId=found)
        assert gone.value.response["Error"]["Code"] == "GoneException"
        assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410
    with pytest.raises(api.exceptions.GoneException):
        api.post_to_connection(ConnectionId=found, Data=b"x")


def test_a_function_finds_its_clients_with_boto3() -> None:
    """Without an endpoint, and without credentials of the user's."""
    with Gateways("gateway_functions:pushes") as gateways, dial(gateways) as client:
        assert ask(client, "hi") == "pushed hi"


def test_a_client_that_leaves_is_gone(gateways: Gateways) -> None:
    """Without a word: the function is told, and nothing reaches the connection any more."""
    with dial(gateways) as client:
        found = connection_id(gateways)
        client.socket.shutdown(socket.SHUT_RDWR)
        gateways.until(lambda: event_of(last(gateways, "$disconnect"))["requestContext"]["connectionId"] == found)
    assert event_of(last(gateways, "$disconnect"))["requestContext"]["disconnectStatusCode"] == 1006

    answer = httpx.post(f"{gateways.url}/prod/@connections/{found.replace('=', '%3D')}", content="x")
    assert answer.status_code == 410


def test_a_message_may_have_128_kilobytes(gateways: Gateways) -> None:
    """One more byte and the connection ends with 1009."""
    with dial(gateways) as client:
        assert ask(client, "x" * 100_000) == "echo " + "x" * 100_000
        with pytest.raises(ConnectionClosed) as closed:
            ask(client, "x" * 131_073)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def test_routes_and_their_responses() -> None:
    """The body selects the route, and an answer reaches the client only where its route has a response."""
    config = GatewayConfig(
        routes=frozenset({"send", "quiet"}), route_responses=frozenset({"send"}), websocket_stage="dev"
    )
    with Gateways("gateway_functions:answers", config) as gateways, dial(gateways) as client:
        assert ask(client, '{"action": "send", "x": 1}') == "send of dev"
        client.send('{"action": "quiet"}')
        client.send("no json")
        assert ask(client, '{"action": "send"}') == "send of dev"
        gateways.until(lambda: len(gateways.records()) == 5)
        routes = [event_of(record)["requestContext"]["routeKey"] for record in gateways.records()]
        assert routes == ["$connect", "send", "quiet", "$default", "send"]


def test_a_binary_frame_ends_the_connection(gateways: Gateways) -> None:
    """API Gateway takes text alone."""
    with dial(gateways) as client:
        with pytest.raises(ConnectionClosed) as closed:
            ask(client, b"\0\1\2\xff")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1003


def test_connections_do_not_mix(gateways: Gateways) -> None:
    """Each client gets its own answers."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(dial(gateways, f"?room={number}")) for number in range(8)]
        for number, client in enumerate(clients):
            client.send(f"from {number}")
        assert [client.recv(PATIENCE) for client in clients] == [f"echo from {number}" for number in range(8)]


def test_http_and_websockets_beside_each_other(gateways: Gateways) -> None:
    """One port, one function."""
    with dial(gateways) as client:
        assert httpx.get(gateways.url).text == "hello"
        assert ask(client, "hi") == "echo hi"
    assert httpx.get(f"{gateways.url}/elsewhere/@connections/x").status_code == 404
    assert httpx.put(f"{gateways.url}/prod/@connections/x").status_code == 403
