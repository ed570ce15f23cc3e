"""Responses to envelopes and preludes: the whole JSON of every source."""

from http import HTTPStatus
from typing import Any

import pytest

from everloop.exchange import ResponseHead
from everloop.sources.registry import HTTP, select
from support.payloads import payload

COOKIES = ["sid=1; Path=/; HttpOnly", "theme=dark; Expires=Wed, 21 Oct 2026 07:28:00 GMT"]

PLAIN = ResponseHead(200, [("content-type", "text/plain")])
NOTHING = ResponseHead(204, [])
REPEATED = ResponseHead(
    201,
    [("x-one", "1"), ("vary", "accept"), ("x-empty", ""), ("vary", "origin"), ("x-city", "Zürich"), ("vary", "a, b")],
)
ONE_COOKIE = ResponseHead(200, [("set-cookie", COOKIES[0]), ("content-type", "text/html")])
TWO_COOKIES = ResponseHead(
    302, [("location", "/next"), ("set-cookie", COOKIES[0]), ("x-a", "b"), ("set-cookie", COOKIES[1])]
)

EVENTS = {
    "function-url": "get_root",
    "http-api": "path_empty",
    "http-api-1.0": "get_root",
    "rest": "get_with_stage",
    "alb": "get",
    "alb-multi": "get",
    "lattice": "get",
    "lattice-1": "get",
}
API_GATEWAY = ("function-url", "http-api", "http-api-1.0", "rest")
SINGLE = ("alb", "lattice", "lattice-1")
LATTICE = ("lattice", "lattice-1")
PAYLOAD_2 = ("function-url", "http-api")
PAYLOAD_1 = ("http-api-1.0", "rest")


def encode(source: str, head: ResponseHead, body: str = "", is_base64: bool = False) -> dict[str, Any]:
    event = payload(source, EVENTS[source]).event
    return select(event, HTTP).encode(event, head, body, is_base64)


def prelude(source: str, head: ResponseHead) -> dict[str, Any]:
    event = payload(source, EVENTS[source]).event
    return select(event, HTTP).prelude(head)


@pytest.mark.parametrize("source", [*API_GATEWAY, *LATTICE])
def test_a_text_response(source: str) -> None:
    """The common case: what stands in an envelope, and nothing else."""
    assert encode(source, PLAIN, "grüezi") == {
        "statusCode": 200,
        "headers": {"content-type": "text/plain"},
        "body": "grüezi",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("source", [*API_GATEWAY, *LATTICE])
def test_a_base64_response(source: str) -> None:
    """The body is passed on as it was encoded, and marked."""
    assert encode(source, ResponseHead(200, [("content-type", "image/png")]), "iVBORw==", True) == {
        "statusCode": 200,
        "headers": {"content-type": "image/png"},
        "body": "iVBORw==",
        "isBase64Encoded": True,
    }


@pytest.mark.parametrize("source", [*API_GATEWAY, *LATTICE])
def test_an_empty_response(source: str) -> None:
    """No content type is invented; the fields that AWS reads are all there."""
    assert encode(source, NOTHING) == {"statusCode": 204, "headers": {}, "body": "", "isBase64Encoded": False}


@pytest.mark.parametrize("source", EVENTS)
@pytest.mark.parametrize("status", [100, 200, 304, 418, 451, 599, 999])
def test_the_status_is_the_applications(source: str, status: int) -> None:
    """A number that no registry knows is passed on like any other."""
    assert encode(source, ResponseHead(status, []))["statusCode"] == status


@pytest.mark.parametrize("source", PAYLOAD_2)
def test_payload_2_joins_repeated_headers(source: str) -> None:
    """Payload 2.0 knows single values only: repeated ones are joined in their order."""
    assert encode(source, REPEATED) == {
        "statusCode": 201,
        "headers": {"x-one": "1", "vary": "accept,origin,a, b", "x-empty": "", "x-city": "Zürich"},
        "body": "",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("source", PAYLOAD_1)
def test_payload_1_lists_repeated_headers(source: str) -> None:
    """Payload 1.0 has a field for lists: single values stay where everybody looks."""
    assert encode(source, REPEATED) == {
        "statusCode": 201,
        "headers": {"x-one": "1", "x-empty": "", "x-city": "Zürich"},
        "multiValueHeaders": {"vary": ["accept", "origin", "a, b"]},
        "body": "",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("source", PAYLOAD_2)
def test_payload_2_puts_cookies_into_their_field(source: str) -> None:
    """`set-cookie` is never joined, for dates have commas, and never in `headers`, where only one would survive."""
    assert encode(source, ONE_COOKIE, "hi") == {
        "statusCode": 200,
        "headers": {"content-type": "text/html"},
        "cookies": [COOKIES[0]],
        "body": "hi",
        "isBase64Encoded": False,
    }
    assert encode(source, TWO_COOKIES) == {
        "statusCode": 302,
        "headers": {"location": "/next", "x-a": "b"},
        "cookies": COOKIES,
        "body": "",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("source", PAYLOAD_1)
def test_payload_1_treats_cookies_as_any_header(source: str) -> None:
    """One cookie is a single value, two are a list."""
    assert encode(source, ONE_COOKIE, "hi") == {
        "statusCode": 200,
        "headers": {"set-cookie": COOKIES[0], "content-type": "text/html"},
        "body": "hi",
        "isBase64Encoded": False,
    }
    assert encode(source, TWO_COOKIES) == {
        "statusCode": 302,
        "headers": {"location": "/next", "x-a": "b"},
        "multiValueHeaders": {"set-cookie": COOKIES},
        "body": "",
        "isBase64Encoded": False,
    }


def test_a_load_balancers_envelope() -> None:
    """All of its fields; `statusDescription` is the one that no other source has."""
    assert encode("alb", PLAIN, "grüezi") == {
        "statusCode": 200,
        "statusDescription": "200 OK",
        "headers": {"content-type": "text/plain"},
        "body": "grüezi",
        "isBase64Encoded": False,
    }
    assert encode("alb", NOTHING) == {
        "statusCode": 204,
        "statusDescription": "204 No Content",
        "headers": {},
        "body": "",
        "isBase64Encoded": False,
    }
    assert encode("alb", ResponseHead(404, [("content-type", "image/png")]), "iVBORw==", True) == {
        "statusCode": 404,
        "statusDescription": "404 Not Found",
        "headers": {"content-type": "image/png"},
        "body": "iVBORw==",
        "isBase64Encoded": True,
    }


def test_a_load_balancers_envelope_with_lists() -> None:
    """The balancer reads `multiValueHeaders` alone where the request had them: every header is in it."""
    assert encode("alb-multi", TWO_COOKIES, "hi") == {
        "statusCode": 302,
        "statusDescription": "302 Found",
        "multiValueHeaders": {"location": ["/next"], "set-cookie": COOKIES, "x-a": ["b"]},
        "body": "hi",
        "isBase64Encoded": False,
    }
    assert encode("alb-multi", REPEATED)["multiValueHeaders"] == {
        "x-one": ["1"],
        "vary": ["accept", "origin", "a, b"],
        "x-empty": [""],
        "x-city": ["Zürich"],
    }
    assert encode("alb-multi", NOTHING) == {
        "statusCode": 204,
        "statusDescription": "204 No Content",
        "multiValueHeaders": {},
        "body": "",
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("source", SINGLE)
def test_single_values_are_joined(source: str) -> None:
    """One value for each name is all that there is room for."""
    assert encode(source, REPEATED)["headers"] == {
        "x-one": "1",
        "vary": "accept,origin,a, b",
        "x-empty": "",
        "x-city": "Zürich",
    }


@pytest.mark.parametrize("source", SINGLE)
def test_cookies_differ_by_letter_case(source: str) -> None:
    """A comma would end a cookie in the middle of its date; names of other letters are the same header in HTTP."""
    assert encode(source, TWO_COOKIES)["headers"] == {
        "location": "/next",
        "set-cookie": COOKIES[0],
        "x-a": "b",
        "Set-cookie": COOKIES[1],
    }


@pytest.mark.parametrize("source", SINGLE)
def test_every_cookie_of_many_survives(source: str) -> None:
    """`set-cookie` has nine letters, and so 512 spellings."""
    cookies = [f"c{number}=1" for number in range(512)]
    headers = encode(source, ResponseHead(200, [("set-cookie", cookie) for cookie in cookies]))["headers"]

    assert list(headers.values()) == cookies
    assert {name.lower() for name in headers} == {"set-cookie"}


@pytest.mark.parametrize("source", ["alb", "alb-multi"])
@pytest.mark.parametrize("status", [*HTTPStatus, 299, 599, 999])
def test_every_status_has_a_description(source: str, status: int) -> None:
    """The phrase that the standard library knows; a code that nobody knows does not fail."""
    phrase = HTTPStatus(status).phrase if isinstance(status, HTTPStatus) else "Unknown"
    newer = {413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}

    described = encode(source, ResponseHead(int(status), []))["statusDescription"]

    assert described == f"{int(status)} {newer.get(int(status), phrase)}"


def test_a_function_urls_prelude() -> None:
    """`statusCode`, `headers`, `cookies`: Function URLs know no lists of headers."""
    assert prelude("function-url", PLAIN) == {"statusCode": 200, "headers": {"content-type": "text/plain"}}
    assert prelude("function-url", REPEATED) == {
        "statusCode": 201,
        "headers": {"x-one": "1", "vary": "accept,origin,a, b", "x-empty": "", "x-city": "Zürich"},
    }
    assert prelude("function-url", TWO_COOKIES) == {
        "statusCode": 302,
        "headers": {"location": "/next", "x-a": "b"},
        "cookies": COOKIES,
    }


def test_a_rest_apis_prelude() -> None:
    """`statusCode`, `headers`, `multiValueHeaders`: where a name repeats, the list has all of its values."""
    assert prelude("rest", PLAIN) == {"statusCode": 200, "headers": {"content-type": "text/plain"}}
    assert prelude("rest", REPEATED) == {
        "statusCode": 201,
        "headers": {"x-one": "1", "x-empty": "", "x-city": "Zürich"},
        "multiValueHeaders": {"vary": ["accept", "origin", "a, b"]},
    }
    assert prelude("rest", TWO_COOKIES) == {
        "statusCode": 302,
        "headers": {"location": "/next", "x-a": "b"},
        "multiValueHeaders": {"set-cookie": COOKIES},
    }


@pytest.mark.parametrize("source", [*API_GATEWAY, *SINGLE])
def test_a_buffered_response_keeps_its_content_length(source: str) -> None:
    """It is right there, and a HEAD response has nothing else to say how long the body would be."""
    assert encode(source, ResponseHead(200, [("content-length", "5")]))["headers"] == {"content-length": "5"}


@pytest.mark.parametrize("source", EVENTS)
def test_encoding_leaves_the_head_alone(source: str) -> None:
    """The access log reads it afterwards."""
    before = (TWO_COOKIES.status, list(TWO_COOKIES.headers))
    encode(source, TWO_COOKIES)

    assert (TWO_COOKIES.status, TWO_COOKIES.headers) == before
