"""What must hold for any request, whichever source it came by: round trips and no surprises."""

import string
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everloop.exchange import HttpRequest
from everloop.sources.mount import mount
from everloop.sources.registry import HTTP, select
from support.payloads import payload

PATH_BYTES = frozenset((string.ascii_letters + string.digits + "/-._~!$&'()*+,;=:@%").encode())

ENCODED = ("function-url", "rest", "http-api-1.0", "alb", "alb-multi", "lattice", "lattice-1")
CASES = {
    "function-url": "get_root",
    "http-api": "path_empty",
    "rest": "custom_domain",
    "http-api-1.0": "get_root",
    "alb": "get",
    "alb-multi": "get",
    "lattice": "get",
    "lattice-1": "get",
}
QUERY_IN_PATH = ("lattice", "lattice-1")

paths = st.lists(
    st.text(max_size=8) | st.sampled_from(["%2F", "%", "%zz", "%C3%A9", "%ff", "..", "a b", "é", "?", "#"])
).map(lambda parts: "/" + "/".join(parts))
names = st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=12)
values = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=20)


def event_of(source: str) -> dict[str, Any]:
    return payload(source, CASES[source]).event


def decode(event: dict[str, Any]) -> HttpRequest:
    return select(event, HTTP).decode(event)


def with_path(source: str, path: str) -> dict[str, Any]:
    event = event_of(source)
    event[next(key for key in ("rawPath", "raw_path", "path") if key in event)] = path
    if "path" in event.get("requestContext", {}):
        event["requestContext"]["path"] = path
    return event


def path_alone(source: str, path: str) -> str:
    """Lattice hands on path and query in one; a question mark of the path's own is encoded there."""
    return path.partition("?")[0] if source in QUERY_IN_PATH else path


def assert_valid_raw_path(raw: bytes) -> None:
    assert set(raw) <= PATH_BYTES, raw
    for escape in raw.split(b"%")[1:]:
        assert len(escape) >= 2, raw
        assert all(byte in b"0123456789abcdefABCDEF" for byte in escape[:2]), raw


@pytest.mark.parametrize("source", CASES)
@given(path=paths)
def test_raw_path_is_always_a_valid_path(source: str, path: str) -> None:
    """Whatever AWS hands on, `raw_path` holds allowed characters and whole escapes only."""
    assert_valid_raw_path(decode(with_path(source, path)).raw_path)


@pytest.mark.parametrize("source", CASES)
@given(path=paths)
def test_raw_path_decoded_once_is_the_path(source: str, path: str) -> None:
    """`path` and `raw_path` are two spellings of one path, for every source."""
    request = decode(with_path(source, path))

    assert unquote(request.raw_path.decode("ascii")) == request.path


@pytest.mark.parametrize("source", ENCODED)
@given(path=paths)
def test_an_encoded_path_is_decoded_once(source: str, path: str) -> None:
    """`path` is what uvicorn would have made of the same request line."""
    assert decode(with_path(source, path)).path == unquote(path_alone(source, path))


@given(path=paths)
def test_a_path_that_aws_decoded_is_verbatim(path: str) -> None:
    """HTTP APIs decode the path themselves; decoding it again would turn `%2F` of the client's into a slash."""
    assert decode(with_path("http-api", path)).path == path


@pytest.mark.parametrize("source", CASES)
@given(path=paths)
def test_escapes_are_kept_as_they_came(source: str, path: str) -> None:
    """`raw_path` says the same bytes as the event's path did."""
    raw = decode(with_path(source, path)).raw_path

    said = path_alone(source, path)
    assert unquote_to_bytes(raw) == (said.encode() if source == "http-api" else unquote_to_bytes(said))


@pytest.mark.parametrize("source", ["rest", "http-api-1.0"])
@given(query=st.dictionaries(st.text(min_size=1, max_size=8), st.lists(st.text(max_size=8), min_size=1, max_size=3)))
def test_a_decoded_query_is_encoded_without_loss(source: str, query: dict[str, list[str]]) -> None:
    """Reading the query string gives back what AWS had read: every key, every value, in order."""
    event = event_of(source)
    event["multiValueQueryStringParameters"] = query
    event["queryStringParameters"] = {key: values[-1] for key, values in query.items()}

    text = decode(event).query_string.decode("ascii")

    assert parse_qsl(text, keep_blank_values=True) == [(key, value) for key in query for value in query[key]]


@pytest.mark.parametrize("source", ["function-url", "http-api"])
@given(query=st.text(string.ascii_letters + string.digits + string.punctuation, max_size=40))
def test_a_raw_query_is_passed_on_byte_for_byte(source: str, query: str) -> None:
    """No order, spelling or escape of the client's is lost."""
    event = event_of(source)
    event["rawQueryString"] = query

    assert decode(event).query_string == query.encode()


query_texts = st.text(string.ascii_letters + string.digits + string.punctuation.replace("&", ""), max_size=8)


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ("alb-multi", "multiValueQueryStringParameters"),
        ("lattice", "queryStringParameters"),
    ],
)
@given(query=st.dictionaries(query_texts, st.lists(query_texts, min_size=1, max_size=3)))
def test_a_query_that_aws_did_not_decode_is_not_encoded(source: str, field: str, query: dict[str, list[str]]) -> None:
    """`%20` stays `%20` and `+` stays `+`: a second encoding would show the application escapes."""
    event = event_of(source)
    event[field] = query

    assert decode(event).query_string == "&".join(f"{key}={value}" for key in query for value in query[key]).encode()


@pytest.mark.parametrize(
    ("source", "field"), [("alb", "queryStringParameters"), ("lattice-1", "query_string_parameters")]
)
@given(query=st.dictionaries(query_texts, query_texts))
def test_a_single_valued_query_is_not_encoded_either(source: str, field: str, query: dict[str, str]) -> None:
    """The same where AWS keeps the last value of each parameter only."""
    event = event_of(source)
    event[field] = query

    assert decode(event).query_string == "&".join(f"{key}={value}" for key, value in query.items()).encode()


@pytest.mark.parametrize("source", QUERY_IN_PATH)
@given(query=st.text(string.ascii_letters + string.digits + string.punctuation, max_size=40))
def test_lattice_takes_the_query_of_the_path_before_the_parameters(source: str, query: str) -> None:
    """The path has what the client wrote; the parameters have lost the order, and in version 1 all but the last."""
    event = with_path(source, f"/items?{query}")
    event["query_string_parameters" if source == "lattice-1" else "queryStringParameters"] = {"lost": "1"}

    request = decode(event)

    assert (request.path, request.query_string) == ("/items", query.encode())


@pytest.mark.parametrize("source", ["alb", "alb-multi", "lattice", "lattice-1"])
@given(written=st.lists(st.text(string.ascii_letters + string.digits + ".:[] ", max_size=20), max_size=3))
@pytest.mark.parametrize("address", ["192.0.2.17", "2001:db8::7"])
def test_the_client_is_the_address_that_the_balancer_saw(source: str, address: str, written: list[str]) -> None:
    """Whatever the client wrote into `x-forwarded-for` stands before the balancer's own address."""
    event = event_of(source)
    field = "multiValueHeaders" if source == "alb-multi" else "headers"
    value = ", ".join([*written, address])
    event[field]["x-forwarded-for"] = value if source in ("alb", "lattice-1") else [value]

    assert decode(event).client == (address, 0)


def expected_pair(name: str, value: str) -> tuple[bytes, bytes]:
    try:
        return name.lower().encode(), value.encode("latin-1")
    except UnicodeEncodeError:
        return name.lower().encode(), value.encode()


@pytest.mark.parametrize("source", ["function-url", "http-api", "alb", "lattice-1"])
@given(headers=st.dictionaries(names.filter(lambda name: name.lower() != "cookie"), values, max_size=6))
def test_single_headers_keep_order_and_values(source: str, headers: dict[str, str]) -> None:
    """Lower-case names, latin-1 where it can say the value, else UTF-8; one pair per value."""
    event = event_of(source)
    event["headers"] = headers
    event.pop("cookies", None)

    assert decode(event).headers == [expected_pair(name, value) for name, value in headers.items()]


@pytest.mark.parametrize("source", ["rest", "http-api-1.0", "alb-multi", "lattice"])
@given(headers=st.dictionaries(names, st.lists(values, min_size=1, max_size=3), max_size=5))
def test_repeated_headers_keep_order_and_duplicates(source: str, headers: dict[str, list[str]]) -> None:
    """A repeated header is as many pairs, never joined."""
    event = event_of(source)
    if source == "lattice":
        event["headers"] = headers
    else:
        event["multiValueHeaders"] = headers
        event["headers"] = {name: found[-1] for name, found in headers.items()}

    assert decode(event).headers == [expected_pair(name, value) for name in headers for value in headers[name]]


@pytest.mark.parametrize("source", ["function-url", "http-api"])
@given(
    cookies=st.lists(
        st.text(string.ascii_letters + string.digits + "=\"'%", min_size=1, max_size=9), min_size=1, max_size=5
    )
)
def test_cookies_become_one_header(source: str, cookies: list[str]) -> None:
    """HTTP/1.1 knows one `cookie` header; frameworks read the first only."""
    event = event_of(source)
    event["headers"].pop("cookie", None)
    event["cookies"] = cookies

    found = [value for name, value in decode(event).headers if name == b"cookie"]

    assert found == ["; ".join(cookies).encode()]


def as_text(body: bytes) -> tuple[str, bool] | None:
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return None


def as_base64(body: bytes) -> tuple[str, bool]:
    import base64

    return base64.b64encode(body).decode(), True


@pytest.mark.parametrize("source", CASES)
@pytest.mark.parametrize("spell", [as_text, as_base64])
@given(body=st.binary(max_size=100) | st.text(max_size=50).map(str.encode))
def test_bodies_arrive_as_they_were(
    source: str, spell: Callable[[bytes], tuple[str, bool] | None], body: bytes
) -> None:
    """Text or base64 is AWS's choice; the application gets the client's bytes."""
    spelt = spell(body)
    if spelt is None:
        return
    event = event_of(source)
    event["body"], event["is_base64_encoded" if source == "lattice-1" else "isBase64Encoded"] = spelt

    assert decode(event).body == body


@pytest.mark.parametrize("source", CASES)
@given(path=paths, base=st.sampled_from(["", "/a", "/api", "/é", "/a b", "/api/v1"]))
def test_mounting_moves_nothing_but_the_root_path(source: str, path: str, base: str) -> None:
    """`path` and `raw_path` include `root_path`, as the ASGI specification says."""
    request, mounted = decode(with_path(source, base + path)), decode(with_path(source, base + path))
    mount(mounted, base)

    assert (mounted.path, mounted.raw_path) == (request.path, request.raw_path)
    assert mounted.path.startswith(mounted.root_path)
    assert mounted.root_path.endswith(base)


@pytest.mark.parametrize("source", CASES)
@given(path=paths)
def test_a_path_beside_the_base_path_is_not_mounted(source: str, path: str) -> None:
    """The boundary is a segment's: `/apiary` is not under `/api`."""
    request = decode(with_path(source, "/apiary" + path))
    mount(request, "/api")

    assert request.root_path == ""
