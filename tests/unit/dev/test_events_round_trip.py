"""Request → the gateway's event → the runtime's decoder → the same request, for every source.

The two sides were written apart, so where they agree they agree about AWS.
"""

import json
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, unquote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from everloop.dev.events.encoders import ENCODERS
from everloop.dev.events.parts import raw_parameters
from everloop.dev.events.request import Arrival, ClientRequest, FrontEnd
from everloop.exchange import HttpRequest
from everloop.sources.registry import BUILT_IN, HTTP, select

PCHAR = "abzAZ09-._~!$&'()*+,;=:@"
ENCODED = st.integers(0, 255).map(lambda byte: f"%{byte:02X}")
SEGMENT = st.lists(st.one_of(st.sampled_from(PCHAR), ENCODED), max_size=8).map("".join)
PATHS = st.lists(SEGMENT, min_size=1, max_size=4).map(lambda segments: "/" + "/".join(segments))

WORD = st.lists(st.one_of(st.sampled_from("abzAZ09-._~+"), ENCODED), min_size=1, max_size=6).map("".join)
PAIR = st.one_of(WORD, st.tuples(WORD, st.one_of(st.just(""), WORD)).map("=".join))
QUERIES = st.lists(PAIR, max_size=6).map("&".join)

NAMES = st.sampled_from(["accept", "x-one", "x-many", "x-many-more", "authorization", "if-none-match"])
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=12).map(
    str.strip
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=6)

TYPES = st.sampled_from(
    [
        "text/plain",
        "text/html; charset=latin-1",
        "application/json",
        "application/problem+json",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "multipart/form-data; boundary=x",
        "image/svg+xml",
        "IMAGE/PNG",
        "",
    ]
)
BODIES = st.one_of(st.just(b""), st.binary(max_size=40), st.text(max_size=40).map(str.encode))

FEW = settings(max_examples=25)
"""For each of eight sources."""

ADDED = {
    "content-length",
    "x-amzn-trace-id",
    "x-forwarded-for",
    "x-forwarded-for-port",
    "x-forwarded-for-proto",
    "x-forwarded-port",
    "x-forwarded-proto",
}
"""Headers that front ends add."""

KEPT = ("rest", "http-api-1.0", "alb-multi", "lattice")
"""Sources whose events hold every value of a repeated header."""
JOINED = {"function-url": ",", "http-api": ",", "lattice-1": ", "}


def received(source: str, request: ClientRequest, front: FrontEnd = FrontEnd()) -> HttpRequest:  # noqa: B008 - frozen
    """What the runtime makes of the request, the event having been JSON in between."""
    event = json.loads(json.dumps(ENCODERS[source](request, front, Arrival.now())))
    recognised = select(event, BUILT_IN)
    assert recognised.name == source
    return next(one for one in HTTP if one.name == source).decode(event)


def lists(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("source", ENCODERS)
@FEW
@given(path=PATHS)
@example("/a%2Fb/%3F/%25/%C3%A9/%FF")
def test_path_arrives(source: str, path: str) -> None:
    """What the client asked for is what the application sees; HTTP APIs decode it, and cut it at a question mark."""
    request = received(source, ClientRequest(path=path))

    if source == "http-api":
        assert request.path == (unquote(path).partition("?")[0] or "/")
    else:
        assert request.raw_path == path.encode()
        assert request.path == unquote(path)
    assert request.root_path == ""


@pytest.mark.parametrize("source", ["rest", "http-api", "http-api-1.0"])
@FEW
@given(path=PATHS)
def test_stage_becomes_root_path(source: str, path: str) -> None:
    """A stage in the client's URL is the application's root path, and its path includes it."""
    request = received(source, ClientRequest(path=f"/prod{path}"), FrontEnd(stage="prod"))

    assert request.root_path == "/prod"
    decoded = unquote(f"/prod{path}")
    assert request.path == (decoded.partition("?")[0] if source == "http-api" else decoded)


@pytest.mark.parametrize("source", ENCODERS)
@FEW
@given(query=QUERIES)
@example("a=1&b&a=2&c=%26%3D+x&a=1")
@example("a=1&%61=2&a=3")
def test_query_arrives(source: str, query: str) -> None:
    """Every source hands on what it does not lose: a load balancer the last value of each, REST decoded lists."""
    found = received(source, ClientRequest(query=query)).query_string.decode()

    match source:
        case "function-url" | "http-api" | "lattice-1":
            assert found == query
        case "alb-multi" | "lattice":
            assert raw_parameters(found) == raw_parameters(query)
        case "alb":
            assert raw_parameters(found) == {name: values[-1:] for name, values in raw_parameters(query).items()}
        case _:
            sent = [
                (unquote_plus(name), unquote_plus(value)) for name, _, value in map(parted, query.split("&")) if name
            ]
            assert lists(parse_qsl(found, keep_blank_values=True)) == lists(sent)


def parted(pair: str) -> tuple[str, str, str]:
    return pair.partition("=")


@pytest.mark.parametrize("source", ENCODERS)
@FEW
@given(headers=HEADERS)
@example([("x-many", "a"), ("x-one", "é"), ("x-many", "b, c")])
def test_headers_arrive(source: str, headers: list[tuple[str, str]]) -> None:
    """Every value arrives where the source keeps them, joined where it joins, the last where it drops others."""
    found = received(source, ClientRequest(headers=headers)).headers

    sent = lists(headers)
    got = lists((name.decode("latin-1"), value.decode("latin-1")) for name, value in found)
    assert set(got) - set(sent) <= ADDED
    for name, values in sent.items():
        if source in KEPT:
            assert got[name] == values
        elif source in JOINED:
            assert got[name] == [JOINED[source].join(values)]
        else:
            assert got[name] == values[-1:]


@pytest.mark.parametrize("source", ENCODERS)
@FEW
@given(cookies=st.lists(st.sampled_from(["a=1", "b=two", 'c="3"', "d"]), min_size=1, max_size=4, unique=True))
def test_cookies_arrive(source: str, cookies: list[str]) -> None:
    """A cookie header arrives whole, by whichever way the source takes."""
    found = received(source, ClientRequest(headers=[("cookie", "; ".join(cookies))])).headers

    assert dict(found)[b"cookie"] == "; ".join(cookies).encode()


@pytest.mark.parametrize("source", ENCODERS)
@FEW
@given(body=BODIES, kind=TYPES, encoding=st.sampled_from([None, "gzip"]))
def test_body_arrives(source: str, body: bytes, kind: str, encoding: str | None) -> None:
    """Every byte arrives, as text or in base64."""
    headers = [("content-type", kind)] if kind else []
    if encoding:
        headers.append(("content-encoding", encoding))

    assert received(source, ClientRequest(method="POST", headers=headers, body=body)).body == body


@pytest.mark.parametrize("source", ENCODERS)
@FEW
@given(
    ip=st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str),
    before=st.one_of(st.none(), st.just("203.0.113.5")),
    scheme=st.sampled_from(["http", "https"]),
    port=st.integers(1, 65535),
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND"]),
)
def test_who_speaks_to_whom(source: str, ip: str, before: str | None, scheme: str, port: int, method: str) -> None:
    """Method, client, server and scheme arrive, whoever else is named by the client's own x-forwarded-for."""
    headers = [("host", f"localhost:{port}")] + ([("x-forwarded-for", before)] if before else [])
    sent = ClientRequest(method=method, headers=headers, ip=ip, scheme=scheme, port=port)
    request = received(source, sent)

    assert request.method == method
    assert request.client == (ip, 0)
    assert request.server == ("localhost", port)
    assert request.scheme == scheme


@pytest.mark.parametrize(
    ("kind", "sources_with_text"),
    [
        ("text/plain", set(ENCODERS)),
        ("application/json; charset=utf-8", set(ENCODERS)),
        ("application/xml", set(ENCODERS)),
        ("application/problem+json", {"function-url", "http-api", "http-api-1.0", "rest"}),
        ("application/x-www-form-urlencoded", {"rest"}),
        ("multipart/form-data; boundary=x", set()),
        ("image/png", set()),
        (None, {"rest", "lattice", "lattice-1"}),
    ],
)
def test_which_bodies_are_text(kind: str | None, sources_with_text: set[str]) -> None:
    """The type decides, and each source has its own list: a form is base64 for all but REST APIs."""
    headers = [] if kind is None else [("content-type", kind)]
    sent = ClientRequest(method="POST", headers=headers, body=b"a=1")
    found = set()
    for source, encode in ENCODERS.items():
        event = encode(sent, FrontEnd(), Arrival.now())
        if not event.get("isBase64Encoded", event.get("is_base64_encoded")):
            assert event["body"] == "a=1"
            found.add(source)
        else:
            assert event["body"] == "YT0x"

    assert found == sources_with_text
