"""Payload format 1.0: what REST APIs and HTTP APIs make of what the function returned.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from typing import Any

import orjson

from everloop.dev.gateway.answers.answer import (
    Answer,
    MalformedAnswer,
    body_of,
    merged,
    multi_headers,
    single_headers,
    status_of,
    without,
)
from everloop.dev.gateway.answers.remapped import remapped

_FIELDS = ("statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded")


def decode_rest(payload: bytes) -> Answer:
    """Give a REST API's response: no field is mandatory, none but the five may be there. Raises `MalformedAnswer`."""
    envelope = _object(payload)
    if unknown := [name for name in envelope if name not in _FIELDS]:
        raise MalformedAnswer(
            f"A REST API takes {', '.join(_FIELDS)} and nothing else; the function returned {', '.join(unknown)} too."
        )
    answer = _decode(envelope, status_of(envelope.get("statusCode", 200)), "application/json")
    answer.headers = without(remapped(answer.headers))
    return answer


def decode_http_api_1(payload: bytes) -> Answer:
    """Give an HTTP API's response: in this format it infers nothing. Raises `MalformedAnswer`."""
    envelope = _object(payload)
    if "statusCode" not in envelope:
        raise MalformedAnswer("The answer has no statusCode; with payload format 1.0 an HTTP API assumes none.")
    answer = _decode(envelope, status_of(envelope["statusCode"]), "text/plain;charset=UTF-8")
    answer.headers = without(answer.headers)
    return answer


def _object(payload: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(payload)
    except ValueError as error:
        raise MalformedAnswer(f"The function returned no JSON: {error}.") from error
    if not isinstance(value, dict):
        raise MalformedAnswer(f"The function returned {type(value).__name__}; it must be an object with a statusCode.")
    return value


def _decode(envelope: dict[str, Any], status: int, default_type: str) -> Answer:
    headers = merged(single_headers(envelope.get("headers")), multi_headers(envelope.get("multiValueHeaders")))
    answer = Answer(status, headers, body_of(envelope))
    if not answer.has(b"content-type"):
        answer.headers.append((b"content-type", default_type.encode()))
    return answer
