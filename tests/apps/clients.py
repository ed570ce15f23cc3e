"""Async handlers with clients that are made once and live on from call to call."""

import os
from typing import Any

client: Any = None
entered = 0


async def with_aiobotocore(event: Any, context: Any) -> Any:
    """DynamoDB; the client is made in the first call."""
    global client, entered
    if client is None:
        from aiobotocore.session import get_session

        entered += 1
        client = await get_session().create_client("dynamodb", endpoint_url=os.environ["ENDPOINT"]).__aenter__()
        await client.create_table(
            TableName=os.environ["TABLE"],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    found = await client.update_item(
        TableName=os.environ["TABLE"],
        Key={"id": {"S": "one"}},
        UpdateExpression="ADD n :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="ALL_NEW",
    )
    return {"n": int(found["Attributes"]["n"]["N"]), "clients": entered}


def _http_client() -> Any:
    import httpx

    return httpx.AsyncClient(base_url=os.environ["ENDPOINT"])


http = _http_client() if "ENDPOINT" in os.environ else None
"""Made when the module is imported, before any loop runs."""


async def with_httpx(event: Any, context: Any) -> Any:
    assert http is not None
    return (await http.get("/")).text


async def streams_from_httpx(event: Any, context: Any) -> Any:
    """Hands on what it is sent, as it is sent."""
    assert http is not None
    async with http.stream("GET", "/") as response:
        async for piece in response.aiter_bytes():
            yield piece
