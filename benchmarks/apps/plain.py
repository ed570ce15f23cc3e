"""A plain handler, which AWS's client calls without an adapter."""

from typing import Any


def handler(event: Any, context: Any) -> dict[str, Any]:
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": '{"message":"hello world","ok":true}',
        "isBase64Encoded": False,
    }
