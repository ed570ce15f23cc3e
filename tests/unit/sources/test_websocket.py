"""WebSocket events to frames and scopes: every payload against the file beside it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everloop.asgi.scope import build_websocket_scope
from everloop.errors import MalformedEvent
from everloop.sources.websocket import FrameKind, WebSocketApi
from support.damage import anything, places
from support.payloads import Payload, payload, payloads, typed

source = WebSocketApi()


def ids(case: Payload) -> str:
    return case.id


@pytest.mark.parametrize("case", payloads("websocket"), ids=ids)
def test_every_payload_has_its_expected_scope(case: Payload) -> None:
    """What the application sees where the store knows nothing: all of it for the handshake."""
    expected = json.loads(case.scope_path.read_text(encoding="utf-8"))
    scope = build_websocket_scope(source.handshake(case.event), {"pool": 1})

    version = scope.pop("asgi")
    assert scope == typed(expected["scope"]) | {"state": {"pool": 1}, "extensions": {}}
    assert version["version"] == "3.0"
    assert tuple(map(int, version["spec_version"].split("."))) >= (2, 5)


@pytest.mark.parametrize("case", payloads("websocket"), ids=ids)
def test_what_is_kept_of_an_event_gives_the_same_scope(case: Payload) -> None:
    """A message sees the scope of its handshake, in whichever environment."""
    event = case.event
    kept = json.loads(json.dumps(source.kept(event)))

    assert build_websocket_scope(source.handshake(kept), {}) == build_websocket_scope(source.handshake(event), {})
    assert event == case.event


def test_nothing_is_kept_that_no_scope_needs() -> None:
    """What an authorizer said may be secret, and comes with every event anyway."""
    event = payload("websocket", "connect").event
    event["requestContext"]["authorizer"] = {"principalId": "u", "token": "secret"}

    assert "secret" not in json.dumps(source.kept(event))


def test_frames() -> None:
    """The connection, and what each kind of event brings."""
    opened = source.decode(payload("websocket", "connect").event)
    said = source.decode(payload("websocket", "message").event)
    sent = source.decode(payload("websocket", "message_base64").event)
    ended = source.decode(payload("websocket", "disconnect").event)

    assert [frame.kind for frame in (opened, said, sent, ended)] == [
        FrameKind.CONNECT,
        FrameKind.MESSAGE,
        FrameKind.MESSAGE,
        FrameKind.DISCONNECT,
    ]
    assert (opened.connection_id, opened.domain, opened.stage, opened.connected_at) == (
        "JKJaWcPLIAMCJfg=",
        "k1l2m3n4o5.execute-api.eu-west-1.amazonaws.com",
        "prod",
        1768254250.0,
    )
    assert said.data == '{"action": "send", "text": "grüezi"}'
    assert sent.data == b"\0\1\2\xff"
    assert (ended.code, ended.reason) == (1005, "Client-side close frame status not set")


def test_answers() -> None:
    """What API Gateway reads of them."""
    assert source.encode(200) == {"statusCode": 200}
    assert source.encode(200, [("Sec-WebSocket-Protocol", "v1")]) == {
        "statusCode": 200,
        "headers": {"Sec-WebSocket-Protocol": "v1"},
    }


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        ("connectionId", None, "connectionId"),
        ("connectionId", 7, "connectionId"),
        ("domainName", None, "domainName"),
        ("stage", ["prod"], "stage"),
    ],
)
def test_a_malformed_event_is_refused_by_name(place: str, value: Any, named: str) -> None:
    """Without these nothing could be sent back."""
    event = payload("websocket", "message").event
    event["requestContext"][place] = value

    with pytest.raises(MalformedEvent, match=named):
        source.decode(event)


@pytest.mark.parametrize("value", [7, {"a": 1}, ["a"]])
def test_a_body_that_is_no_text_is_refused_by_name(value: Any) -> None:
    """JSON that a route's mapping template made of it."""
    event = payload("websocket", "message").event | {"body": value}

    with pytest.raises(MalformedEvent, match="body"):
        source.decode(event)


def test_an_authorizers_event_is_not_a_handshake() -> None:
    """An authorizer of $connect gets the same context, and a methodArn."""
    event = payload("websocket", "connect").event | {"type": "REQUEST", "methodArn": "arn:aws:execute-api:x"}

    assert not source.matches(event)


def test_sub_protocols_may_come_in_several_headers() -> None:
    """RFC 6455, section 11.3.4."""
    event = payload("websocket", "connect").event
    event["multiValueHeaders"]["Sec-WebSocket-Protocol"] = ["a,b", " c ,"]

    assert source.handshake(event).subprotocols == ["a", "b", "c"]


def test_an_unencrypted_handshake_is_ws() -> None:
    """Emulators on a laptop."""
    event = payload("websocket", "connect").event
    event["multiValueHeaders"]["X-Forwarded-Proto"] = ["http"]

    assert source.handshake(event).scheme == "ws"


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_payload_is_served_or_refused(data: st.DataObject) -> None:
    """Nothing but `MalformedEvent` ever comes out."""
    event = data.draw(st.sampled_from(payloads("websocket"))).event
    *way, last = data.draw(st.sampled_from(places(event)))
    place: Any = event
    for key in way:
        place = place[key]
    place[last] = data.draw(anything)
    if not source.matches(event):
        return
    try:
        frame = source.decode(event)
        source.handshake(event)
    except MalformedEvent as error:
        str(error).encode()
    else:
        assert isinstance(frame.data, str | bytes)
        assert isinstance(frame.code, int)
