"""The `@connections` API of an API Gateway WebSocket API.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

from urllib.parse import quote

from everloop.api.aws import AwsClient, region_in
from everloop.errors import AwsRefused, ClientDisconnected

_ADVICE = {
    403: "The function's role needs execute-api:ManageConnections on the API's @connections.",
    413: "A message may have at most 128 KB.",
    429: "The account's limit of requests per second is used up.",
}


def connection_url(endpoint: str | None, domain: str, stage: str, connection_id: str) -> str:
    """Give the URL of a connection. A custom domain maps to a stage, so its URLs have none."""
    if endpoint is None:
        endpoint = f"https://{domain}/{quote(stage, safe='')}" if region_in(domain) else f"https://{domain}"
    return f"{endpoint}/@connections/{quote(connection_id, safe='')}"


class Connections:
    """Posts to connections and deletes them. The endpoint is AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI where set."""

    def __init__(self, aws: AwsClient) -> None:
        self._aws = aws
        self._endpoint = aws.endpoint("apigatewaymanagementapi")

    async def post(self, domain: str, stage: str, connection_id: str, data: str | bytes) -> None:
        """Send one message, up to 128 KB. Raises `ClientDisconnected` for a gone connection, `AwsRefused`."""
        content_type = "text/plain; charset=utf-8" if isinstance(data, str) else "application/octet-stream"
        body = data.encode("utf-8", "replace") if isinstance(data, str) else data
        await self._ask("POST", domain, stage, connection_id, body, {"Content-Type": content_type})

    async def delete(self, domain: str, stage: str, connection_id: str) -> None:
        """Close a connection. Raises `ClientDisconnected` for a gone connection, `AwsRefused`."""
        await self._ask("DELETE", domain, stage, connection_id, b"", {})

    async def _ask(
        self, method: str, domain: str, stage: str, connection_id: str, body: bytes, headers: dict[str, str]
    ) -> None:
        answer = await self._aws.request(
            method,
            connection_url(self._endpoint, domain, stage, connection_id),
            service="execute-api",
            region=self._aws.region_of(domain),
            body=body,
            headers=headers,
        )
        if answer.status_code == 410:
            raise ClientDisconnected(f"The WebSocket connection {connection_id} is gone")
        if answer.status_code >= 300:
            raise AwsRefused(
                f"{method} @connections/{connection_id}",
                answer.status_code,
                answer.content,
                _ADVICE.get(answer.status_code, ""),
            )
