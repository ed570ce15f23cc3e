"""Two environments serve one connection through DynamoDB, and how long a message takes: moto plays AWS."""

import json
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest

from support.aws_server import CREDENTIALS, AwsServer
from support.environment import Environment, Launcher
from support.websocket_events import connect, disconnect, message

TABLE = "connections"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The address of a moto server."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(moto: str) -> Any:
    """Makes boto3 clients of moto's services."""
    import boto3

    def make(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=moto,
            region_name="eu-west-1",
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    return make


@pytest.fixture
def table(client: Any) -> Iterator[Any]:
    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "connection_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "connection_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield dynamodb
    dynamodb.delete_table(TableName=TABLE)


def start(launch: Launcher, connections: str, dynamodb: str) -> Environment:
    return launch(
        "websocket_app:app",
        {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": connections,
            "AWS_ENDPOINT_URL_DYNAMODB": dynamodb,
            "EVERLOOP_WEBSOCKET_STORE": f"dynamodb:{TABLE}",
        },
    )


def items(table: Any) -> list[str]:
    return [item["connection_id"]["S"] for item in table.scan(TableName=TABLE)["Items"]]


def test_two_environments_serve_one_connection(launch: Launcher, moto: str, table: Any) -> None:
    """The handshake in one, messages in both, the end in the other: the scope is the handshake's everywhere."""
    with AwsServer() as connections:
        first = start(launch, connections.url, moto)
        second = start(launch, connections.url, moto)

        assert first.answers(connect(query={"room": "7"}, Cookie="sid=abc"))["statusCode"] == 200
        assert first.answers(connect("conn-2="))["statusCode"] == 200
        assert sorted(items(table)) == ["conn-1=", "conn-2="]
        for environment in (second, first, second):
            assert environment.answers(message("who")) == {"statusCode": 200}
        assert second.answers(disconnect()) == {"statusCode": 200}

        seen = [json.loads(body) for _, _, body in connections.told]
        assert [(one["query"], one["sid"], one["client"]) for one in seen] == [("room=7", "abc", "192.0.2.44")] * 3
        second.process.wait_for_log("disconnected 1001")
        second.api.wait_for_poll()  # the item is removed after the answer and before the poll
        assert items(table) == ["conn-2="]
        assert connections.faults == []


def test_a_gone_connection_stays_in_the_table_until_its_end(launch: Launcher, moto: str, table: Any) -> None:
    """`$disconnect` needs the item, in any environment; where it never comes, the table's TTL removes it."""
    with AwsServer() as connections:
        first = start(launch, connections.url, moto)
        second = start(launch, connections.url, moto)
        first.answers(connect())
        connections.gone = True
        first.answers(message("hi"))
        first.process.wait_for_log("disconnected 1006")
        first.api.wait_for_poll()
        assert items(table) == ["conn-1="]

        second.answers(disconnect())
        second.api.wait_for_poll()
        assert items(table) == []
        assert second.process.logged("is not known here") == []


def test_moto_takes_the_posts(launch: Launcher, moto: str, client: Any, table: Any) -> None:
    """A second opinion on the `@connections` requests: moto's."""
    environment = start(launch, moto, moto)
    environment.answers(connect("conn3"))

    assert environment.answers(message("hi", "conn3")) == {"statusCode": 200}
    assert environment.answers(message("close", "conn3")) == {"statusCode": 200}
    assert "Traceback" not in environment.process.log


def test_a_missing_table_refuses_the_handshake(launch: Launcher, moto: str) -> None:
    """The log names the setting and what the table must look like; the client is not left with half a connection."""
    environment = start(launch, moto, moto)

    assert environment.answers(connect()) == {"statusCode": 500}
    environment.process.wait_for_log("EVERLOOP_WEBSOCKET_STORE needs a table")


def test_a_message_takes_less_than_ten_milliseconds(launch: Launcher, moto: str, table: Any) -> None:
    """Event in, application, signed post, answer out: the best of three medians, for other work disturbs."""
    with AwsServer() as connections:
        environment = start(launch, connections.url, moto)
        environment.answers(connect())
        environment.answers(message("warm"))
        medians = []
        for _ in range(3):
            times = []
            for number in range(40):
                began = time.perf_counter()
                environment.answers(message(str(number)))
                times.append((time.perf_counter() - began) * 1000)
            medians.append(statistics.median(times))

    print(f"WebSocket message: medians {', '.join(f'{median:.2f}' for median in medians)} ms")
    assert min(medians) < 10
