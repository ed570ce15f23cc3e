"""Sample events: each is what the runtime takes for an event of that source, and like the payload file of it."""

import base64
import json
from typing import Any

import pytest

from everloop.dev.events.encoders import ENCODERS
from everloop.dev.samples import HTTP_SAMPLES, SAMPLES, sample_event
from everloop.errors import UnknownEvent
from everloop.sources.registry import BUILT_IN, HTTP, select
from everloop.sources.websocket import FrameKind, WebSocketApi
from support.payloads import payload

FILES = {
    "sqs": ("sqs", "two_messages"),
    "sns": ("sns", "notification"),
    "s3": ("s3", "object_created"),
    "dynamodb": ("dynamodb", "stream_modify"),
    "kinesis": ("kinesis", "one_record"),
    "eventbridge": ("eventbridge", "ec2_state_change"),
    "schedule": ("schedule", "rule"),
    "websocket-connect": ("websocket", "connect"),
    "websocket-message": ("websocket", "message"),
    "websocket-disconnect": ("websocket", "disconnect"),
}

FREE = {
    "messageAttributes",
    "detail",
    "resources",
    "NewImage",
    "OldImage",
    "headers",
    "multiValueHeaders",
    "queryStringParameters",
    "multiValueQueryStringParameters",
    "versionId",  # of a bucket with versions
}
"""Keys whose content, or presence, is the sender's own."""


def shape(value: Any) -> Any:
    """Give the keys and types of an event, of lists the first element alone."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if key not in FREE}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_contract_lists_them_all() -> None:
    """The names are a public promise (contract, section 8)."""
    assert (
        *("function-url", "http-api", "http-api-1.0", "rest", "alb", "alb-multi", "lattice", "lattice-1"),
        *("websocket-connect", "websocket-message", "websocket-disconnect"),
        *("sqs", "sns", "s3", "dynamodb", "kinesis", "eventbridge", "schedule"),
    ) == SAMPLES
    assert set(HTTP_SAMPLES) == set(ENCODERS)


@pytest.mark.parametrize("source", SAMPLES)
def test_sample_is_json(source: str) -> None:
    """It prints and comes back the same."""
    event = sample_event(source)

    assert json.loads(json.dumps(event)) == event


@pytest.mark.parametrize("source", HTTP_SAMPLES)
def test_http_sample_is_the_request_that_was_asked_for(source: str) -> None:
    """Method, path, both parts of the query, headers and body arrive at the application."""
    event = sample_event(
        source,
        method="put",
        path="/a b/é?x=1",
        query="y=ü",
        headers=[("X-Id", "7"), ("Accept", "a/b")],
        body='{"a": 1}',
    )

    assert select(event, BUILT_IN).name == source
    request = next(one for one in HTTP if one.name == source).decode(event)
    assert request.method == "PUT"
    assert request.path == "/a b/é"
    assert request.query_string == b"x=1&y=%C3%BC"
    found = dict(request.headers)
    assert found[b"x-id"] == b"7"
    assert found[b"accept"] == b"a/b"
    assert found[b"content-type"] == b"application/json"
    assert request.body == b'{"a": 1}'
    assert request.scheme == "https"


@pytest.mark.parametrize(
    ("body", "method", "kind"),
    [
        (None, "GET", None),
        ("[1]", "POST", b"application/json"),
        ("grüezi", "POST", b"text/plain; charset=utf-8"),
        (b"\xff\0", "POST", b"application/octet-stream"),
    ],
)
def test_body_tells_method_and_type(body: str | bytes | None, method: str, kind: bytes | None) -> None:
    """As curl guesses a method, and better than it guesses a type."""
    event = sample_event("function-url", body=body)
    request = next(one for one in HTTP if one.name == "function-url").decode(event)

    assert request.method == method
    assert dict(request.headers).get(b"content-type") == kind
    assert request.body == (body.encode() if isinstance(body, str) else body or b"")


def test_stage_begins_the_path() -> None:
    """Where there are stages; a REST API's path does without it."""
    assert sample_event("http-api", path="/items", stage="dev")["rawPath"] == "/dev/items"
    rest = sample_event("rest", path="/items", stage="dev")
    assert (rest["path"], rest["requestContext"]["path"]) == ("/items", "/dev/items")


@pytest.mark.parametrize("source", FILES)
def test_sample_has_the_shape_of_the_file(source: str) -> None:
    """The same keys with the same types, all the way down."""
    found, expected = shape(sample_event(source)), shape(payload(*FILES[source]).event)
    if source == "sns":
        found["Records"][0]["Sns"]["Subject"] = "str"  # null where there is none

    assert found == expected


@pytest.mark.parametrize("source", ["sqs", "sns", "s3", "dynamodb", "kinesis", "eventbridge", "schedule"])
def test_other_samples_are_no_http(source: str) -> None:
    """They go where the runtime sends events."""
    with pytest.raises(UnknownEvent):
        select(sample_event(source), BUILT_IN)


def test_websocket_samples_are_one_connection() -> None:
    """So that they can be sent one after another."""
    api = WebSocketApi()
    events = [sample_event(source) for source in SAMPLES if source.startswith("websocket-")]
    frames = [api.decode(event) for event in events]

    assert [frame.kind for frame in frames] == [FrameKind.CONNECT, FrameKind.MESSAGE, FrameKind.DISCONNECT]
    assert len({(frame.connection_id, frame.domain, frame.stage) for frame in frames}) == 1


def test_bodies_of_other_samples() -> None:
    """A message, a record's data, a detail."""
    text = '{"id": 7}'
    assert sample_event("sqs", body=text)["Records"][0]["body"] == text
    assert sample_event("sns", body=text)["Records"][0]["Sns"]["Message"] == text
    assert base64.b64decode(sample_event("kinesis", body=text)["Records"][0]["kinesis"]["data"]) == text.encode()
    assert sample_event("eventbridge", body=text)["detail"] == {"id": 7}
    assert sample_event("websocket-message", body=text)["body"] == text
    connect = sample_event("websocket-connect", query="room=1", headers=[("Origin", "https://example.com")])
    assert connect["queryStringParameters"] == {"room": "1"}
    assert connect["headers"]["Origin"] == "https://example.com"


def test_bytes_stay_what_they_are() -> None:
    """What is not UTF-8 is carried in base64 where AWS does that, and refused where it carries text alone."""
    assert base64.b64decode(sample_event("kinesis", body=b"\xff\0")["Records"][0]["kinesis"]["data"]) == b"\xff\0"
    for source in ("sqs", "sns", "eventbridge", "websocket-message"):
        with pytest.raises(ValueError, match="byte 1 of this one is not UTF-8"):
            sample_event(source, body=b"a\xff")


@pytest.mark.parametrize("body", ["no json", "[1]", "5"])
def test_detail_must_be_an_object(body: str) -> None:
    """EventBridge takes no other."""
    with pytest.raises(ValueError, match="object of JSON"):
        sample_event("eventbridge", body=body)


def test_unknown_source_is_told_the_known_ones() -> None:
    """The message is for the user."""
    with pytest.raises(ValueError, match=r"'cloudfront'.*function-url, .*schedule"):
        sample_event("cloudfront")


@pytest.mark.parametrize(
    ("source", "options", "named"),
    [
        ("s3", {"body": "x"}, "--body: it takes no options"),
        ("schedule", {"method": "GET", "path": "/"}, "--method, --path"),
        ("sqs", {"path": "/"}, "--path: it takes --body"),
        ("websocket-connect", {"body": "x"}, "--body"),
        ("alb", {"stage": "prod"}, "--stage"),
    ],
)
def test_options_that_would_do_nothing_are_refused(source: str, options: dict[str, str], named: str) -> None:
    """Nobody should wonder where a body went."""
    with pytest.raises(ValueError, match=named):
        sample_event(source, **options)  # type: ignore[arg-type]  # the options of the case
