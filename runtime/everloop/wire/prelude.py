"""The prelude of a streamed HTTP response: a JSON object and eight NUL bytes, before the body.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
"""

from typing import Any

import orjson

DELIMITER = b"\0" * 8

CONTENT_TYPE = b"application/vnd.awslambda.http-integration-response"

LIMIT = 16_384
"""API Gateway wants the delimiter within the first 16 KiB of the stream."""


def encode_prelude(head: dict[str, Any]) -> bytes:
    """Encode `{"statusCode": …, "headers": …}` with its delimiter. The caller compares the length with `LIMIT`."""
    return orjson.dumps(head) + DELIMITER
