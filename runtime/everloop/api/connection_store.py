"""Where the handshake of a WebSocket is kept for its later messages: in memory or in a DynamoDB table."""

from typing import Protocol

import orjson

from everloop.api.aws import AwsClient
from everloop.errors import AwsRefused

LIFETIME = 3 * 3600
"""Seconds after which an item may be removed: API Gateway ends a connection after two hours."""

MAX_IN_MEMORY = 4096
"""Connections that are remembered, a few KB each; the oldest are forgotten first."""


class ConnectionStore(Protocol):
    """Keeps handshakes, as JSON, by connection id. May raise `AwsRefused` or `AwsUnreachable`."""

    async def put(self, connection_id: str, handshake: bytes, connected_at: float) -> None:
        """Keep a handshake; `connected_at` is in seconds since the epoch."""

    async def get(self, connection_id: str) -> bytes | None:
        """Give a handshake, or None where it is not known."""

    async def forget(self, connection_id: str) -> None:
        """Forget a handshake, if it is known."""


class MemoryStore:
    """Keeps handshakes for this environment: enough where one environment serves all (reserved concurrency 1)."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def put(self, connection_id: str, handshake: bytes, connected_at: float) -> None:
        """Keep a handshake."""
        if len(self._kept) >= MAX_IN_MEMORY:
            del self._kept[next(iter(self._kept))]
        self._kept[connection_id] = handshake

    async def get(self, connection_id: str) -> bytes | None:
        """Give a handshake."""
        return self._kept.get(connection_id)

    async def forget(self, connection_id: str) -> None:
        """Forget a handshake."""
        self._kept.pop(connection_id, None)


class DynamoStore:
    """Keeps handshakes for all environments in a table with the string partition key `connection_id`.

    The other attributes are `handshake` and `expires`, seconds since the epoch, which the table's TTL may be set to.
    A handshake never changes, so each environment reads it once. Endpoint: AWS_ENDPOINT_URL_DYNAMODB where set.
    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
    """

    def __init__(self, aws: AwsClient, table: str) -> None:
        self._aws = aws
        self._table = table
        self._region = aws.region
        self._endpoint = aws.dynamodb_endpoint()
        self._read = MemoryStore()

    async def put(self, connection_id: str, handshake: bytes, connected_at: float) -> None:
        """Keep a handshake."""
        item = {
            "connection_id": {"S": connection_id},
            "handshake": {"S": handshake.decode()},
            "expires": {"N": str(int(connected_at) + LIFETIME)},
        }
        await self._ask("PutItem", {"Item": item})
        await self._read.put(connection_id, handshake, connected_at)

    async def get(self, connection_id: str) -> bytes | None:
        """Give a handshake: the first time from the table, then from memory."""
        known = await self._read.get(connection_id)
        if known is not None:
            return known
        found = await self._ask("GetItem", {"Key": {"connection_id": {"S": connection_id}}, "ConsistentRead": True})
        try:
            handshake: bytes = orjson.loads(found)["Item"]["handshake"]["S"].encode()
        except KeyError:
            return None
        await self._read.put(connection_id, handshake, 0)
        return handshake

    async def forget(self, connection_id: str) -> None:
        """Forget a handshake."""
        await self._read.forget(connection_id)
        await self._ask("DeleteItem", {"Key": {"connection_id": {"S": connection_id}}})

    async def _ask(self, operation: str, question: dict[str, object]) -> bytes:
        answer = await self._aws.request(
            "POST",
            f"{self._endpoint}/",
            service="dynamodb",
            region=self._region,
            body=orjson.dumps({"TableName": self._table, **question}),
            headers={"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}"},
        )
        if answer.status_code >= 300:
            raise AwsRefused(
                f"{operation} of DynamoDB's table {self._table}",
                answer.status_code,
                answer.content,
                "EVERLOOP_WEBSOCKET_STORE needs a table with the string partition key connection_id and a role that "
                "may call dynamodb:PutItem, dynamodb:GetItem and dynamodb:DeleteItem on it.",
            )
        return answer.content


def open_store(setting: str, aws: AwsClient) -> ConnectionStore:
    """Give the store that EVERLOOP_WEBSOCKET_STORE names: `memory` or `dynamodb:TABLE`."""
    kind, _, table = setting.partition(":")
    return DynamoStore(aws, table) if kind == "dynamodb" else MemoryStore()
