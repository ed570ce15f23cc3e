"""Events to scopes: the whole scope of every payload, compared with the one beside it."""

from typing import Any

import pytest

from everloop.asgi.scope import build_scope
from everloop.errors import MalformedEvent
from everloop.exchange import HttpRequest
from everloop.sources.mount import mount
from everloop.sources.registry import HTTP, select
from support.payloads import Expected, Payload, malformed, payload, payloads, typed

NAMES = {source.name for source in HTTP}

FIELDS = ("method", "path", "raw_path", "root_path", "query_string", "headers", "client", "server", "scheme", "body")


def decode(event: dict[str, Any], base_path: str = "") -> HttpRequest:
    request = select(event, HTTP).decode(event)
    mount(request, base_path)
    return request


def fields_of(request: HttpRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in FIELDS}


def ids(case: Payload) -> str:
    return case.id


@pytest.mark.parametrize("case", payloads(*NAMES), ids=ids)
def test_every_payload_has_its_expected_scope(case: Payload) -> None:
    """Nothing of a scope is left to chance: the file beside a payload holds all of it."""
    expected = Expected(case.scope_path)
    request = decode(case.event, expected.base_path)
    scope = build_scope(request, {"pool": 1})

    version = scope.pop("asgi")
    assert scope == expected.scope | {"state": {"pool": 1}, "extensions": {}}
    assert version["version"] == "3.0"
    assert tuple(map(int, version["spec_version"].split("."))) >= (2, 5)
    assert request.body == expected.body


@pytest.mark.parametrize("case", payloads(*NAMES), ids=ids)
def test_scopes_are_of_the_types_that_asgi_names(case: Payload) -> None:
    """Equal is not enough: `bytes` and `bytearray` are equal, and so are lists of pairs of other kinds."""
    request = decode(case.event)

    assert type(request.raw_path) is type(request.query_string) is type(request.body) is bytes
    assert all(type(pair) is tuple and type(pair[0]) is type(pair[1]) is bytes for pair in request.headers)
    assert request.client is None or type(request.client[1]) is int
    assert request.server is None or type(request.server[1]) is int


@pytest.mark.parametrize("case", payloads(*NAMES), ids=ids)
def test_decoding_leaves_the_event_alone(case: Payload) -> None:
    """`aws.event` is what Lambda sent, not what is left of it."""
    event = case.event
    decode(event, "/api")

    assert event == case.event


@pytest.mark.parametrize("case", malformed(), ids=ids)
def test_malformed_events_are_refused_by_name_or_served(case: Payload) -> None:
    """A wrong field that matters is named in the refusal; one that does not matter harms nobody."""
    expectation = case.event
    event = expectation["event"]
    source = select(event, HTTP)
    assert source.name == expectation["source"]

    if expectation["outcome"] == "served":
        served = typed(expectation["request"])
        actual = fields_of(source.decode(event))
        assert {name: actual[name] for name in served} == served
    else:
        with pytest.raises(MalformedEvent) as caught:
            source.decode(event)
        assert expectation["names"].lower() in str(caught.value).lower()


@pytest.mark.parametrize(("source", "case"), [("http-api", "path_decoded_by_aws"), ("http-api-1.0", "get_root")])
@pytest.mark.parametrize(
    ("stage", "path", "root_path"),
    [("dev", "/dev/items", "/dev"), ("dev", "/developers", ""), ("$default", "/$default/items", "")],
)
def test_only_a_named_stage_begins_the_path_of_an_http_api(
    source: str, case: str, stage: str, path: str, root_path: str
) -> None:
    """No URL carries `$default`, so nobody reaches `/items` by way of `/$default/items`."""
    event = payload(source, case).event
    event["requestContext"]["stage"] = stage
    event["rawPath" if "rawPath" in event else "path"] = path

    request = decode(event)

    assert (request.root_path, request.path) == (root_path, path)


@pytest.mark.parametrize("source", ["function-url", "http-api"])
def test_cookie_header_and_cookie_list_become_one_header(source: str) -> None:
    """Where the list and the header differ nothing of either is lost, and there is still one header."""
    event = payload(source, "cookies_list").event
    event["cookies"] = ["a=1", "b=2"]
    event["headers"]["cookie"] = "c=3"

    cookies = [value for name, value in decode(event).headers if name == b"cookie"]

    assert [sorted(value.split(b"; ")) for value in cookies] == [[b"a=1", b"b=2", b"c=3"]]


def test_state_is_copied_for_every_request() -> None:
    """What one request puts into its state is not seen by the next one; what start-up made is shared."""
    pool = object()
    state = {"pool": pool}
    request = decode(payload("function-url", "get_root").event)

    first = build_scope(request, state)
    first["state"]["mine"] = 1

    assert build_scope(request, state)["state"] == {"pool": pool}
