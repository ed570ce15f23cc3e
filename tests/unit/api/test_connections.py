"""The `@connections` API and the stores: what is asked of AWS, signed how, and what its answers mean."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.session import Session

from everloop.api.aws import AwsClient, region_in
from everloop.api.connection_store import MAX_IN_MEMORY, DynamoStore, MemoryStore, open_store
from everloop.api.connections import Connections, connection_url
from everloop.errors import AwsRefused, AwsUnreachable, ClientDisconnected
from support.aws_server import CREDENTIALS, AwsServer

pytestmark = pytest.mark.anyio

DOMAIN = "k1l2m3n4o5.execute-api.us-east-2.amazonaws.com"
CONNECTION = "JKJaWcPLIAMCJfg="


@pytest.fixture
def server() -> Iterator[AwsServer]:
    with AwsServer() as server:
        yield server
        assert server.faults == []


@pytest.fixture
async def aws(server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AwsClient]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)  # botocore reads the environment itself
    monkeypatch.setenv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", server.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"{server.url}/")
    client = AwsClient()
    yield client
    await client.aclose()


@pytest.mark.parametrize(
    ("domain", "stage", "url"),
    [
        (DOMAIN, "prod", f"https://{DOMAIN}/prod/@connections/JKJaWcPLIAMCJfg%3D"),
        (DOMAIN, "$default", f"https://{DOMAIN}/%24default/@connections/JKJaWcPLIAMCJfg%3D"),
        ("ws.example.com", "prod", "https://ws.example.com/@connections/JKJaWcPLIAMCJfg%3D"),
        (
            "a.execute-api.cn-north-1.amazonaws.com.cn",
            "v1",
            "https://a.execute-api.cn-north-1.amazonaws.com.cn/v1/@connections/JKJaWcPLIAMCJfg%3D",
        ),
        (
            "a.execute-api.eusc-de-east-1.amazonaws.eu",
            "v1",
            "https://a.execute-api.eusc-de-east-1.amazonaws.eu/v1/@connections/JKJaWcPLIAMCJfg%3D",
        ),
        (
            "a.execute-api-fips.us-gov-west-1.amazonaws.com",
            "v1",
            "https://a.execute-api-fips.us-gov-west-1.amazonaws.com/v1/@connections/JKJaWcPLIAMCJfg%3D",
        ),
        (
            "a.execute-api.eu-west-1.example.com",
            "v1",
            "https://a.execute-api.eu-west-1.example.com/@connections/JKJaWcPLIAMCJfg%3D",
        ),
    ],
)
def test_the_url_of_a_connection(domain: str, stage: str, url: str) -> None:
    """The stage is in the path, unless a custom domain maps to it; the id's `=` is encoded."""
    assert connection_url(None, domain, stage, CONNECTION) == url


PARTITIONS = [
    ("us-east-1", "amazonaws.com"),
    ("us-gov-west-1", "amazonaws.com"),
    ("cn-north-1", "amazonaws.com.cn"),
    ("eusc-de-east-1", "amazonaws.eu"),
    ("us-iso-east-1", "c2s.ic.gov"),
    ("us-isob-east-1", "sc2s.sgov.gov"),
    ("eu-isoe-west-1", "cloud.adc-e.uk"),
    ("us-isof-south-1", "csp.hci.ic.gov"),
]


@pytest.mark.parametrize(("region", "suffix"), PARTITIONS)
def test_an_apis_own_domain_tells_its_region_in_every_partition(region: str, suffix: str) -> None:
    """What only begins or ends like one is a custom domain."""
    assert region_in(f"k1l2m3n4o5.execute-api.{region}.{suffix}") == region
    assert region_in(f"k1l2m3n4o5.execute-api-fips.{region}.{suffix}") == region
    assert region_in(f"k1l2m3n4o5.execute-api.{region}.{suffix}.example.com") is None
    assert region_in(f"ws.example.{suffix}") is None


@pytest.mark.parametrize(
    ("region", "fips"), [*((region, "") for region, _ in PARTITIONS), ("us-east-1", "true"), ("us-gov-west-1", "true")]
)
def test_dynamodb_is_where_botocore_looks_for_it(region: str, fips: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its own client sends what it is asked, whatever the partition; FIPS as it is set."""
    for name, value in {**CREDENTIALS, "AWS_DEFAULT_REGION": region, "AWS_USE_FIPS_ENDPOINT": fips}.items():
        monkeypatch.setenv(name, value)
    client = Session().create_client("dynamodb")
    sent: list[str] = []

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(request.url)
        return AWSResponse(request.url, 200, {}, SimpleNamespace(stream=lambda: [b"{}"]))

    client.meta.events.register("before-send", send)
    client.get_item(TableName="connections", Key={"connection_id": {"S": "x"}})

    assert sent == [f"{AwsClient().dynamodb_endpoint()}/"]


def test_a_configured_endpoint_is_taken_as_it_is() -> None:
    """As boto3 does: the setting names everything before `/@connections`."""
    assert connection_url("http://127.0.0.1:1/x", DOMAIN, "prod", "a") == "http://127.0.0.1:1/x/@connections/a"


async def test_messages_are_posted_and_signed_for_the_apis_region(aws: AwsClient, server: AwsServer) -> None:
    """Text as UTF-8, bytes as they are; the region is the API's, which stands in its domain."""
    connections = Connections(aws)

    await connections.post(DOMAIN, "prod", CONNECTION, "grüezi")
    await connections.post(DOMAIN, "prod", CONNECTION, b"\0\xff")
    await connections.post("ws.example.com", "prod", CONNECTION, "")
    await connections.delete(DOMAIN, "prod", CONNECTION)

    path = "/@connections/JKJaWcPLIAMCJfg%3D"
    assert server.told == [
        ("POST", path, "grüezi".encode()),
        ("POST", path, b"\0\xff"),
        ("POST", path, b""),
        ("DELETE", path, b""),
    ]
    assert [request.region for request in server.requests] == ["us-east-2", "us-east-2", "eu-west-1", "us-east-2"]
    assert {request.service for request in server.requests} == {"execute-api"}
    assert {request.headers["x-amz-security-token"] for request in server.requests} == {"session-token"}
    assert [request.headers.get("content-type") for request in server.requests] == [
        "text/plain; charset=utf-8",
        "application/octet-stream",
        "text/plain; charset=utf-8",
        None,
    ]


async def test_a_gone_connection_is_an_os_error(aws: AwsClient, server: AwsServer) -> None:
    """What the ASGI specification asks of `send()` when the client has left."""
    server.gone = True

    with pytest.raises(ClientDisconnected, match=CONNECTION) as caught:
        await Connections(aws).post(DOMAIN, "prod", CONNECTION, "x")
    assert isinstance(caught.value, OSError)


@pytest.mark.parametrize(
    ("status", "advice"), [(403, "execute-api:ManageConnections"), (413, "128 KB"), (404, "answered 404")]
)
async def test_a_refusal_says_what_to_do(status: int, advice: str, aws: AwsClient, server: AwsServer) -> None:
    """A missing permission is not a client that left."""
    server.statuses = [status]

    with pytest.raises(AwsRefused, match=advice) as caught:
        await Connections(aws).post(DOMAIN, "prod", CONNECTION, "x")
    assert not isinstance(caught.value, OSError)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_aws_asks_to_repeat_is_repeated(status: int, aws: AwsClient, server: AwsServer) -> None:
    """Twice more, then it is an error."""
    server.statuses = [status, status]
    await Connections(aws).post(DOMAIN, "prod", CONNECTION, "x")
    assert len(server.requests) == 3

    server.statuses = [status, status, status]
    with pytest.raises(AwsRefused):
        await Connections(aws).post(DOMAIN, "prod", CONNECTION, "x")
    assert len(server.requests) == 6


async def test_a_network_that_does_not_work(aws: AwsClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked three times, then an error that names the URL."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", url)

        with pytest.raises(AwsUnreachable, match=f"POST {url}/@connections/.*ConnectError"):
            await Connections(aws).post(DOMAIN, "prod", CONNECTION, "x")


async def test_without_credentials_nothing_is_sent(
    server: AwsServer, aws: AwsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what is missing."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(AwsRefused, match="credentials"):
        await Connections(aws).post(DOMAIN, "prod", CONNECTION, "x")
    assert server.requests == []


async def test_messages_at_the_same_time(aws: AwsClient, server: AwsServer) -> None:
    """Several environments' worth of sends on one loop do not wait for one another."""
    connections = Connections(aws)

    await asyncio.gather(*(connections.post(DOMAIN, "prod", CONNECTION, str(number)) for number in range(10)))

    assert sorted(body for _, _, body in server.told) == sorted(str(number).encode() for number in range(10))


async def test_the_memory_store_forgets_the_oldest() -> None:
    """`$disconnect` may go to another environment, so memory has a bound of its own."""
    store = MemoryStore()
    for number in range(MAX_IN_MEMORY + 1):
        await store.put(str(number), b"{}", 0)

    assert await store.get("0") is None
    assert await store.get("1") == b"{}"
    await store.forget("1")
    await store.forget("1")
    assert await store.get("1") is None


async def test_the_dynamodb_store_speaks_dynamodb(aws: AwsClient, server: AwsServer) -> None:
    """What is asked, word for word; reading back what was put costs no request."""
    store = open_store("dynamodb:connections", aws)
    assert isinstance(store, DynamoStore)

    await store.put("id=", b'{"headers":{}}', 1_768_254_250.5)
    assert await store.get("id=") == b'{"headers":{}}'
    await store.forget("id=")
    assert await store.get("id=") is None

    asked = [(request.headers["x-amz-target"], json.loads(request.body)) for request in server.requests]
    key = {"TableName": "connections", "Key": {"connection_id": {"S": "id="}}}
    assert asked == [
        (
            "DynamoDB_20120810.PutItem",
            {
                "TableName": "connections",
                "Item": {
                    "connection_id": {"S": "id="},
                    "handshake": {"S": '{"headers":{}}'},
                    "expires": {"N": "1768265050"},
                },
            },
        ),
        ("DynamoDB_20120810.DeleteItem", key),
        ("DynamoDB_20120810.GetItem", {**key, "ConsistentRead": True}),
    ]
    assert {(request.service, request.region) for request in server.requests} == {("dynamodb", "eu-west-1")}


async def test_a_table_that_is_not_there_is_explained(aws: AwsClient, server: AwsServer) -> None:
    """The setting, the key and the permissions that the table needs."""
    server.statuses = [400]

    with pytest.raises(AwsRefused, match=r"EVERLOOP_WEBSOCKET_STORE needs a table .* connection_id"):
        await open_store("dynamodb:connections", aws).get("id=")
