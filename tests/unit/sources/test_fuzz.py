"""Real payloads with random damage: served, refused as unknown or refused as malformed, and nothing else."""

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everloop.asgi.scope import build_scope
from everloop.errors import MalformedEvent, UnknownEvent
from everloop.exchange import HttpRequest
from everloop.sources.mount import mount
from everloop.sources.registry import HTTP, select
from support.damage import anything, places
from support.payloads import payloads

EVENTS = [case.event for case in payloads(*(source.name for source in HTTP))]


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """Take a real payload and replace or remove a few of its values."""
    event: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(EVENTS)))
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(places(event)))
        place: Any = event
        for key in way:
            place = place[key]
        if draw(st.booleans()):
            place[last] = draw(anything)
        else:
            del place[last]
        if not event:
            break
    return event


def assert_served_or_refused(event: dict[str, Any]) -> None:
    before = copy.deepcopy(event)
    try:
        request = select(event, HTTP).decode(event)
    except (UnknownEvent, MalformedEvent) as error:
        refusal = str(error).encode()  # what cannot be encoded cannot be logged
    else:
        assert_sound(request)
        refusal = b"none"
    assert refusal
    assert json.dumps(event) == json.dumps(before), "the event is left as it came"


def assert_sound(request: HttpRequest) -> None:
    mount(request, "/api")
    scope = build_scope(request, {})

    assert type(scope["method"]) is type(scope["path"]) is type(scope["scheme"]) is type(scope["root_path"]) is str
    assert type(scope["raw_path"]) is type(scope["query_string"]) is type(request.body) is bytes
    assert all(type(name) is type(value) is bytes and name == name.lower() for name, value in scope["headers"])
    for address in (scope["client"], scope["server"]):
        assert address is None or (type(address[0]) is str and type(address[1]) is int and 0 <= address[1] <= 65_535)


@settings(max_examples=1_000, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_a_damaged_payload_is_served_or_refused(event: dict[str, Any]) -> None:
    """No event, however odd, may raise what the loop does not expect."""
    assert_served_or_refused(event)


@given(st.dictionaries(st.text(st.characters(), max_size=10), anything, max_size=5))
def test_any_object_is_served_or_refused(event: dict[str, Any]) -> None:
    """Callers of Invoke send whatever they like."""
    assert_served_or_refused(event)
