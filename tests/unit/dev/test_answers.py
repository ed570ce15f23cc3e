"""What a function returned → what the client gets, source by source."""

import base64
import json
from typing import Any

import pytest

from everloop.dev.events.encoders import ENCODERS
from everloop.dev.gateway.answers.answer import Answer, MalformedAnswer
from everloop.dev.gateway.answers.balancer import ALB_LIMIT
from everloop.dev.gateway.answers.decoders import DECODERS

JSON = (b"content-type", b"application/json")
TEXT = (b"content-type", b"text/plain")

APIS = ("function-url", "http-api", "rest", "http-api-1.0")
BALANCERS = ("alb", "alb-multi", "lattice", "lattice-1")


def decode(source: str, value: Any) -> Answer:
    return DECODERS[source](value if isinstance(value, bytes) else json.dumps(value).encode())


def envelope(source: str, **fields: Any) -> dict[str, Any]:
    """A whole answer as the source wants it, with one header."""
    headers: dict[str, Any] = {"headers": {"Content-Type": "text/plain"}}
    if source == "alb-multi":
        headers = {"multiValueHeaders": {"Content-Type": ["text/plain"]}}
    return {"statusCode": 201, **headers, "body": "hello", "isBase64Encoded": False, **fields}


def test_every_source_has_a_decoder() -> None:
    """What can be sent can be answered."""
    assert set(DECODERS) == set(ENCODERS)


@pytest.mark.parametrize("source", DECODERS)
def test_envelope(source: str) -> None:
    """Status, headers in lower case, body."""
    assert decode(source, envelope(source)) == Answer(201, [TEXT], b"hello")


@pytest.mark.parametrize("source", DECODERS)
def test_base64_is_decoded(source: str) -> None:
    """Bytes arrive as bytes."""
    body = bytes(range(256))
    answer = decode(source, envelope(source, body=base64.b64encode(body).decode(), isBase64Encoded=True))

    assert answer.body == body


@pytest.mark.parametrize("source", DECODERS)
@pytest.mark.parametrize("body", [None, ""])
def test_body_may_be_absent(source: str, body: str | None) -> None:
    """No body is an empty one."""
    assert decode(source, envelope(source, body=body)).body == b""


@pytest.mark.parametrize("source", DECODERS)
def test_status_may_be_a_string_of_digits(source: str) -> None:
    """As some frameworks write it."""
    assert decode(source, envelope(source, statusCode="404")).status == 404


@pytest.mark.parametrize("source", DECODERS)
@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"statusCode": None}, "statusCode"),
        ({"statusCode": 99}, "statusCode"),
        ({"statusCode": 600}, "statusCode"),
        ({"statusCode": True}, "statusCode"),
        ({"statusCode": "two hundred"}, "statusCode"),
        ({"statusCode": 200.5}, "statusCode"),
        ({"body": {"a": 1}}, "body"),
        ({"body": 5}, "body"),
        ({"body": "%%%", "isBase64Encoded": True}, "base64"),
        ({"isBase64Encoded": "yes"}, "isBase64Encoded"),
    ],
)
def test_malformed_fields_are_named(source: str, fields: dict[str, Any], named: str) -> None:
    """The message says which field is wrong: a developer sees it where AWS says nothing."""
    with pytest.raises(MalformedAnswer, match=named):
        decode(source, envelope(source, **fields))


@pytest.mark.parametrize("source", [source for source in DECODERS if source != "alb-multi"])
@pytest.mark.parametrize(
    "headers", [["a"], "a", {"a b": "c"}, {"": "c"}, {"a": "b\r\nx: y"}, {"a": ["b"]}, {"a": {"b": "c"}}]
)
def test_malformed_headers_are_refused(source: str, headers: Any) -> None:
    """No header can smuggle another one in."""
    with pytest.raises(MalformedAnswer):
        decode(source, envelope(source, headers=headers))


@pytest.mark.parametrize("source", ["rest", "http-api-1.0", "alb-multi"])
@pytest.mark.parametrize("headers", [["a"], {"a": "b"}, {"a": [1, None]}, {"a": ["b\nc"]}, {"a b": ["c"]}])
def test_malformed_multi_value_headers_are_refused(source: str, headers: Any) -> None:
    """The same for lists."""
    with pytest.raises(MalformedAnswer):
        decode(source, envelope(source, multiValueHeaders=headers))


def test_header_values_may_be_numbers_and_truths() -> None:
    """JSON has them, HTTP does not; null is left out; what is not latin-1 goes as UTF-8."""
    answer = decode(
        "function-url", {"statusCode": 200, "headers": {"A": 1, "B": True, "C": None, "D": "日", "E": "é", "F": 1.5}}
    )

    assert answer.headers == [
        (b"a", b"1"),
        (b"b", b"true"),
        (b"d", "日".encode()),
        (b"e", b"\xe9"),
        (b"f", b"1.5"),
        JSON,
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("function-url", [JSON]),
        ("rest", [JSON]),
        ("http-api", [(b"content-type", b"text/plain;charset=UTF-8")]),
        ("http-api-1.0", [(b"content-type", b"text/plain;charset=UTF-8")]),
        ("alb", [(b"content-type", b"application/octet-stream")]),
        ("alb-multi", [(b"content-type", b"application/octet-stream")]),
        ("lattice", [(b"content-type", b"application/octet-stream")]),
    ],
)
def test_default_content_type(source: str, expected: list[tuple[bytes, bytes]]) -> None:
    """Each front end has its own idea of a body whose type nobody told."""
    assert decode(source, {"statusCode": 200, "body": "x"}).headers == expected


@pytest.mark.parametrize(
    ("value", "url_body", "api_body"),
    [
        ({"message": "hello"}, b'{"message": "hello"}', b'{"message": "hello"}'),
        ("hello", b'"hello"', b"hello"),
        ([1, 2], b"[1, 2]", b"[1, 2]"),
        (None, b"null", b"null"),
        (5, b"5", b"5"),
    ],
)
def test_payload_2_infers_a_response(value: Any, url_body: bytes, api_body: bytes) -> None:
    """JSON without a statusCode is the body of a 200; an HTTP API takes the quotes off a string."""
    assert decode("function-url", value) == Answer(200, [JSON], url_body)
    assert decode("http-api", value) == Answer(200, [JSON], api_body)


def test_function_url_hands_on_what_is_no_json() -> None:
    """As with a streamed response to a URL that buffers: the bytes as they came."""
    assert (
        decode("function-url", b'{"statusCode":200}\0\0\0\0\0\0\0\0body').body
        == b'{"statusCode":200}' + bytes(8) + b"body"
    )
    with pytest.raises(MalformedAnswer):
        decode("http-api", b"no json")


@pytest.mark.parametrize("source", ["rest", "http-api-1.0", *BALANCERS])
@pytest.mark.parametrize("value", [b"no json", b"", None, "hello", [1], 5])
def test_others_infer_nothing(source: str, value: Any) -> None:
    """What is no object is no answer."""
    with pytest.raises(MalformedAnswer):
        decode(source, value)


@pytest.mark.parametrize("source", ["http-api-1.0", *BALANCERS])
def test_status_is_mandatory(source: str) -> None:
    """An object without a status is no answer either; to a REST API it is a 200."""
    with pytest.raises(MalformedAnswer):
        decode(source, {"body": "x"})
    assert decode("rest", {"body": "x"}) == Answer(200, [JSON], b"x")
    assert decode("rest", {}) == Answer(200, [JSON], b"")


def test_rest_takes_no_unknown_fields() -> None:
    """The envelope of another source is a 502 there, as on AWS."""
    for field in ("cookies", "statusDescription", "message"):
        with pytest.raises(MalformedAnswer, match=field):
            decode("rest", envelope("rest", **{field: []}))


def test_cookies_of_payload_2() -> None:
    """Each is a header of its own."""
    cookies = ["a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT", "b=2"]
    for source in ("function-url", "http-api"):
        answer = decode(source, envelope(source, cookies=cookies))
        assert answer.headers == [TEXT, *((b"set-cookie", cookie.encode()) for cookie in cookies)]
        with pytest.raises(MalformedAnswer, match="cookies"):
            decode(source, envelope(source, cookies="a=1"))


@pytest.mark.parametrize("source", ["rest", "http-api-1.0"])
def test_headers_and_multi_value_headers_are_merged(source: str) -> None:
    """A pair that stands in both counts once."""
    answer = decode(
        source,
        envelope(
            source,
            headers={"Content-Type": "text/plain", "Set-Cookie": "a=1", "X": "1"},
            multiValueHeaders={"set-cookie": ["a=1", "b=2"], "x-many": ["p", "q"]},
        ),
    )

    assert answer.headers == [
        TEXT,
        (b"x", b"1"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"x-many", b"p"),
        (b"x-many", b"q"),
    ]


def test_load_balancers_read_one_field_each() -> None:
    """The other one is not looked at; cookies survive by the case of their names."""
    both = {
        "statusCode": 200,
        "headers": {"content-type": "text/plain", "set-cookie": "a=1", "Set-Cookie": "b=2"},
        "multiValueHeaders": {"content-type": ["text/html"], "set-cookie": ["c=3", "d=4"]},
    }

    assert decode("alb", both).headers == [TEXT, (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    assert decode("alb-multi", both).headers == [
        (b"content-type", b"text/html"),
        (b"set-cookie", b"c=3"),
        (b"set-cookie", b"d=4"),
    ]


def test_load_balancers_take_a_megabyte() -> None:
    """Of JSON."""
    for source in ("alb", "alb-multi"):
        with pytest.raises(MalformedAnswer, match="LambdaResponseTooLarge"):
            decode(source, envelope(source, body="x" * ALB_LIMIT))
    assert len(decode("lattice", envelope("lattice", body="x" * ALB_LIMIT)).body) == ALB_LIMIT


@pytest.mark.parametrize("source", ["function-url", "rest"])
def test_headers_that_the_front_end_keeps_for_itself_are_renamed(source: str) -> None:
    """Among them the one that makes a browser ask for a password: a surprise that should not wait for AWS."""
    named = {
        "WWW-Authenticate": "Basic",
        "Date": "today",
        "Server": "mine",
        "Connection": "close",
        "Content-Length": "5",
    }
    answer = decode(source, {"statusCode": 401, "headers": {"content-type": "text/plain", **named}})

    assert answer.headers == [
        TEXT,
        *((b"x-amzn-remapped-" + name.lower().encode(), value.encode()) for name, value in named.items()),
    ]


@pytest.mark.parametrize("source", ["http-api", "http-api-1.0", "alb", "lattice"])
def test_headers_of_one_connection_are_dropped(source: str) -> None:
    """They are the server's; the length is counted anew."""
    named = {"Connection": "close", "Transfer-Encoding": "chunked", "Content-Length": "99", "Keep-Alive": "5"}
    answer = decode(source, {"statusCode": 200, "headers": {"content-type": "text/plain", **named}, "body": "x"})

    assert answer == Answer(200, [TEXT], b"x")
