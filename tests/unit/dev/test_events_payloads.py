"""The gateway's events beside the payload files: for the request that a file describes, the same event key by key.

The request is read from the file's `.scope.json`, which was written by hand; nothing of the runtime takes part.
"""

import re
from typing import Any

import pytest

from everloop.dev.events.encoders import ENCODERS
from everloop.dev.events.request import Arrival, ClientRequest, FrontEnd
from support.payloads import Expected, Payload, payloads

ADDED = ("x-forwarded-for", "x-forwarded-port", "x-forwarded-proto")
"""Headers of a scope that the client did not send."""

MADE_UP = {
    "accountId",
    "apiId",
    "deploymentId",
    "domainName",
    "domainPrefix",
    "extendedRequestId",
    "requestId",
    "requestTime",
    "requestTimeEpoch",
    "resourceId",
    "time",
    "timeEpoch",
}
"""Fields of `requestContext` that name an API of the tests' own, or a moment."""

NOT_AS_AWS = {
    "function-url/body_null": "AWS leaves the body out; the file has null",
    "function-url/body_null_base64": "the same",
    "function-url/cookie_header_alone": "cookies come in the list",
    "function-url/cookies_list_and_header": "cookies come in the list alone",
    "function-url/cookies_list_and_header_spelt_otherwise": "cookies come in the list alone",
    "function-url/cookies_empty_list": "AWS leaves the list out",
    "function-url/client_unknown": "the gateway always knows its client",
    "function-url/header_names_in_capitals": "names come in lower case",
    "function-url/header_values_beyond_latin1": "what is not latin-1 cannot come from the wire",
    "function-url/headers_null": "there are always headers",
    "function-url/path_empty": "HTTP has no empty path",
    "function-url/path_forbidden_characters": "the scope's path was mended by the runtime",
    "function-url/path_lone_percent": "the scope's path was mended by the runtime",
    "function-url/path_not_ascii": "the scope's path was mended by the runtime",
    "function-url/iam_authorizer": "there is no IAM in front of the gateway",
    "function-url/port_in_other_digits": "the gateway's own port is a port",
    "http-api/port_not_a_number": "the gateway's own port is a port",
    "http-api/iam_authorizer": "there are no authorizers in front of the gateway",
    "http-api/lambda_authorizer": "there are no authorizers in front of the gateway",
    "http-api/post_jwt_authorizer": "there are no authorizers in front of the gateway",
    "http-api/mutual_tls": "there is no TLS in front of the gateway",
    "http-api/path_empty": "HTTP has no empty path",
    "rest/cognito_authorizer": "there are no authorizers in front of the gateway",
    "rest/lambda_authorizer": "there are no authorizers in front of the gateway",
    "rest/console_test": "the console's test has no headers",
    "rest/context_path_absent": "AWS always sends it",
    "rest/nothing_known_of_either_end": "AWS always sends an identity",
    "rest/header_values_beyond_latin1": "what is not latin-1 cannot come from the wire",
    "rest/path_lone_percent": "the scope's path was mended by the runtime",
    "rest/root_without_slash": "the scope's path was mended by the runtime",
    "rest/single_values_alone": "AWS always sends both forms",
    "alb/health_check": "a balancer's own check has no forwarded headers",
    "alb-multi/health_check": "a balancer's own check has no forwarded headers",
}
"""Files of events that this gateway does not make, and why."""

DIFFERENCES = {
    "function-url/cookies_list": {"cookies": "a semicolon ends a cookie"},
    "function-url/port_from_scheme": {"headers.x-forwarded-port": "AWS always sends it"},
    "function-url/scheme_from_port_80": {"headers.x-forwarded-proto": "AWS always sends it"},
    "http-api/client_ipv6": {"requestContext.http.sourceIp": "it differs from the file's x-forwarded-for"},
    "http-api/stage_not_in_path": {"requestContext.stage": "the gateway's named stages stand in the path"},
    "lattice-1/post_base64": {"headers.x-forwarded-for": "Lattice always sends it"},
    "lattice/headers_repeated": {"headers.x-forwarded-for": "the gateway adds to the client's own header"},
    "lattice/post_iam": dict.fromkeys(
        ("requestContext.identity.type", "requestContext.identity.principal", "requestContext.identity.sessionName"),
        "there is no IAM in front of the gateway",
    ),
    "lattice/query_in_path": {"path": "AWS's own example of version 2 has no query there"},
    "rest/body_empty": {"body": "AWS sends null for no body"},
    "rest/headers_repeated": dict.fromkeys(
        ("headers.X-One", "headers.x-one", "multiValueHeaders.X-One", "multiValueHeaders.x-one"),
        "the server has put names into lower case, so all are spelt the same way",
    ),
    "rest/root_with_stage": dict.fromkeys(
        ("resource", "pathParameters", "requestContext.resourcePath"), "`{proxy+}` does not match the root"
    ),
}
"""What else differs, key by key, and why."""

CASES = [payload for payload in payloads(*ENCODERS) if payload.id not in NOT_AS_AWS]

MAPPINGS = {"rest/custom_domain_base_path": "/shop"}


def described(payload: Payload) -> tuple[ClientRequest, FrontEnd]:
    """Give the request that a file is about, and the front end that took it."""
    expected, event = Expected(payload.scope_path), payload.event
    scope = expected.scope
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    known = dict(headers)
    before, _, ip = known.get("x-forwarded-for", scope["client"][0] if scope["client"] else "").rpartition(",")
    if "identity" in event.get("requestContext", {}) and payload.source != "lattice":
        before, ip = "", event["requestContext"]["identity"]["sourceIp"]
    brought = {name.lower() for name in event.get("headers") or event.get("multiValueHeaders") or ()}
    # A REST API is sent the length, and leaves it out.
    added = ADDED if "content-length" in brought or payload.source == "rest" else (*ADDED, "content-length")
    sent = [pair for pair in headers if pair[0] not in added]
    if before:
        sent.append(("x-forwarded-for", before.strip()))
    stage = scope["root_path"].removesuffix(expected.base_path).strip("/") or None
    return (
        ClientRequest(
            method=scope["method"],
            path=scope["raw_path"].decode(),
            query=scope["query_string"].decode(),
            headers=sent,
            body=expected.body,
            ip=ip.strip(),
            scheme=known.get("x-forwarded-proto", scope["scheme"]),
            port=int(known.get("x-forwarded-port", 443)),
        ),
        FrontEnd(
            region="eu-west-1",
            stage=stage if payload.source in ("rest", "http-api", "http-api-1.0") else None,
            base_path=MAPPINGS.get(payload.id, ""),
        ),
    )


def differing(made: Any, read: Any, path: str = "") -> set[str]:
    """Give the paths of the keys in which two events differ."""
    if made == read:
        return set()
    if not isinstance(made, dict) or not isinstance(read, dict):
        return {path}
    return {
        found
        for key in {**made, **read}
        for found in differing(made.get(key, ...), read.get(key, ...), f"{path}.{key}" if path else key)
    }


def comparable(event: dict[str, Any], source: str) -> dict[str, Any]:
    """Give an event without ids and times. A REST API at the edge has a hop of CloudFront's in x-forwarded-for.

    Lattice's page on targets lists two headers that the examples of its page on Lambda leave out.
    """
    context = event.get("requestContext")
    if context:
        event["requestContext"] = {name: value for name, value in context.items() if name not in MADE_UP}
    if source == "rest":
        for fields in ("headers", "multiValueHeaders"):
            assert event[fields].pop("X-Forwarded-For")
    if source.startswith("lattice"):
        for name in ("x-forwarded-for-port", "x-forwarded-for-proto"):
            event["headers"].pop(name, None)
    return event


@pytest.mark.parametrize("payload", CASES, ids=repr)
def test_event_is_the_one_of_the_file(payload: Payload) -> None:
    """Every key and value is the one that AWS sends, but for ids, times and what is listed."""
    request, front = described(payload)

    made = ENCODERS[payload.source](request, front, Arrival.now())

    found = differing(comparable(made, payload.source), comparable(payload.event, payload.source))
    assert found == set(DIFFERENCES.get(payload.id, ()))


def test_every_exception_has_its_file() -> None:
    """A file that is gone must not leave its excuse behind."""
    assert set(NOT_AS_AWS) <= {payload.id for payload in payloads(*ENCODERS)}
    assert set(DIFFERENCES) <= {payload.id for payload in CASES}


def test_made_up_fields_have_aws_form() -> None:
    """Ids and times differ from call to call, and look like AWS's."""
    arrival = Arrival(1768254259.123, "b1a2c3d4-0000-4000-8000-000000000001", "JKJaXmPLvHcESHA=", "1-0-0")
    event = ENCODERS["http-api"](ClientRequest(), FrontEnd(region="eu-west-1"), arrival)

    assert event["requestContext"] == {
        "accountId": "123456789012",
        "apiId": "everloopdv",
        "domainName": "everloopdv.execute-api.eu-west-1.amazonaws.com",
        "domainPrefix": "everloopdv",
        "http": {"method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": ""},
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "$default",
        "stage": "$default",
        "time": "12/Jan/2026:21:44:19 +0000",
        "timeEpoch": 1768254259123,
    }
    one, other = Arrival.now(), Arrival.now()
    assert one.request_id != other.request_id
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one.request_id)
    assert re.fullmatch(r"[\w-]{15}=", one.extended_id)
    assert re.fullmatch(r"1-[0-9a-f]{8}-[0-9a-f]{24}", one.root)
