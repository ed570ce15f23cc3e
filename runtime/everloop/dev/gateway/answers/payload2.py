"""Payload format 2.0: what Function URLs and HTTP APIs make of what the function returned.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from typing import Any

import orjson

from everloop.dev.gateway.answers.answer import (
    Answer,
    MalformedAnswer,
    body_of,
    cookie_headers,
    header,
    single_headers,
    status_of,
    without,
)
from everloop.dev.gateway.answers.remapped import remapped

_JSON = b"application/json"


def decode_function_url(payload: bytes) -> Answer:
    """Give a Function URL's response. What is no envelope is the body itself. Raises `MalformedAnswer`."""
    envelope = _envelope(payload)
    if envelope is None:
        return Answer(200, [(b"content-type", _JSON)], payload)
    answer = _decode(envelope, _JSON)
    answer.headers = without(remapped(answer.headers))
    return answer


def decode_http_api(payload: bytes) -> Answer:
    """Give an HTTP API's response; a string of JSON is a body without its quotes. Raises `MalformedAnswer`."""
    envelope = _envelope(payload)
    if envelope is not None:
        answer = _decode(envelope, b"text/plain;charset=UTF-8")
        answer.headers = without(answer.headers)
        return answer
    try:
        value = orjson.loads(payload)
    except ValueError as error:
        raise MalformedAnswer(f"The function returned no JSON: {error}.") from error
    return Answer(200, [(b"content-type", _JSON)], value.encode() if isinstance(value, str) else payload)


def _envelope(payload: bytes) -> dict[str, Any] | None:
    """Recognise an envelope: an object with a `statusCode`."""
    try:
        value = orjson.loads(payload)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "statusCode" in value else None


def _decode(envelope: dict[str, Any], default_type: bytes) -> Answer:
    answer = Answer(
        status_of(envelope["statusCode"]),
        single_headers(envelope.get("headers")) + cookie_headers(envelope.get("cookies")),
        body_of(envelope),
    )
    if not answer.has(b"content-type"):
        answer.headers.append(header("content-type", default_type.decode()))
    return answer
