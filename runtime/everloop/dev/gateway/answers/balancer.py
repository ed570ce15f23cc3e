"""What load balancers and VPC Lattice make of what the function returned.

Sources: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html and
https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
"""

from typing import Any

import orjson

from everloop.dev.gateway.answers.answer import (
    Answer,
    MalformedAnswer,
    RawHeaders,
    body_of,
    multi_headers,
    single_headers,
    status_of,
    without,
)

ALB_LIMIT = 1_000_000
"""Bytes of JSON that a load balancer takes. AWS says 1 MB and not which one."""


def decode_alb(payload: bytes) -> Answer:
    """Give a load balancer's response out of `headers`. Raises `MalformedAnswer`."""
    envelope = _object(payload, ALB_LIMIT)
    return _decode(envelope, single_headers(envelope.get("headers")))


def decode_alb_multi(payload: bytes) -> Answer:
    """Give a load balancer's response out of `multiValueHeaders`: it reads no others. Raises `MalformedAnswer`."""
    envelope = _object(payload, ALB_LIMIT)
    return _decode(envelope, multi_headers(envelope.get("multiValueHeaders")))


def decode_lattice(payload: bytes) -> Answer:
    """Give Lattice's response out of `headers`. Raises `MalformedAnswer`."""
    envelope = _object(payload, None)
    return _decode(envelope, single_headers(envelope.get("headers")))


def _object(payload: bytes, limit: int | None) -> dict[str, Any]:
    if limit is not None and len(payload) > limit:
        raise MalformedAnswer(
            f"The answer has {len(payload):,} bytes; a load balancer takes {limit:,} (LambdaResponseTooLarge)."
        )
    try:
        value = orjson.loads(payload)
    except ValueError as error:
        raise MalformedAnswer(f"The function returned no JSON: {error}.") from error
    if not isinstance(value, dict) or "statusCode" not in value:
        raise MalformedAnswer("The answer is no object with a statusCode (LambdaInvalidResponse).")
    return value


def _decode(envelope: dict[str, Any], headers: RawHeaders) -> Answer:
    """Make the response. Its reason phrase is the server's own: HTTP/2 has none, and nothing reads it."""
    answer = Answer(status_of(envelope["statusCode"]), without(headers), body_of(envelope))
    if answer.body and not answer.has(b"content-type"):
        answer.headers.append((b"content-type", b"application/octet-stream"))
    return answer
