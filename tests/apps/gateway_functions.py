"""Plain handlers for tests of the gateway."""

from typing import Any


def answers(event: Any, context: Any) -> Any:
    """Answer a WebSocket's message with its route and stage."""
    where = event["requestContext"]
    return {"statusCode": 200, "body": f"{where['routeKey']} of {where['stage']}"}


def raises_at(event: Any, context: Any) -> Any:
    """Fail where the query of the handshake, or a message, says so; else answer with the message."""
    if event.get("queryStringParameters") or event.get("body") == "raise":
        raise ZeroDivisionError
    return {"statusCode": 200, "body": event.get("body")}


def pushes(event: Any, context: Any) -> Any:
    """Answer a message with AWS's own client, which is not told where to."""
    where = event["requestContext"]
    if where["eventType"] == "MESSAGE":
        import boto3

        boto3.client("apigatewaymanagementapi").post_to_connection(
            ConnectionId=where["connectionId"], Data=f"pushed {event['body']}".encode()
        )
    return {"statusCode": 200}
