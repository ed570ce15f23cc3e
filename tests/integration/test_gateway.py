"""The gateway before the real function: requests of a real client, answers of a real application."""

import concurrent.futures
import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from everloop.dev.gateway import SOURCES, GatewayConfig
from support.gates import Gates
from support.gateways import Gateways

STREAMING = ("function-url", "rest")


@pytest.fixture(scope="module")
def buffered() -> Iterator[dict[str, str]]:
    """One function behind a gateway of every source; the URL of each."""
    with Gateways("gateway_app:app", *(GatewayConfig(source=source) for source in SOURCES)) as gateways:
        yield dict(zip(SOURCES, gateways.urls, strict=True))


@pytest.fixture(scope="module")
def streaming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], Gateways, Gates]]:
    """One streaming function behind the two sources that stream."""
    gates = Gates(tmp_path_factory.mktemp("gates"))
    configs = [GatewayConfig(source=source, streaming=True) for source in STREAMING]
    with Gateways("gateway_app:app", *configs, streaming=True, environ=gates.env) as gateways:
        yield dict(zip(STREAMING, gateways.urls, strict=True)), gateways, gates


def echoed(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def cut_off(url: str, at_first: Callable[[], None] = lambda: None) -> bytes:
    """Give the beginning of a body that breaks off; one that ends as it should is a failure."""
    received = b""
    try:
        with httpx.stream("GET", url, timeout=30) as answer:
            assert answer.status_code == 200
            for piece in answer.iter_raw():
                received += piece
                at_first()
    except httpx.RemoteProtocolError:
        return received
    raise AssertionError(f"the body ended cleanly after {received!r}")


@pytest.mark.parametrize("source", SOURCES)
def test_request_arrives(buffered: dict[str, str], source: str) -> None:
    """Method, path, query, headers and body of a browser's request, as the application sees them."""
    url = buffered[source]
    seen = echoed(
        httpx.post(f"{url}/caf%C3%A9/a%20b?x=1&y=a%26b", json={"a": "ü"}, headers={"X-Id": "7", "Cookie": "sid=1; t=2"})
    )
    scope = seen["scope"]

    assert scope["aws.event"]["requestContext" if source != "lattice-1" else "raw_path"]
    assert scope["method"] == "POST"
    assert scope["path"] == "/café/a b"
    assert scope["query_string"] == "x=1&y=a%26b"
    headers = dict(scope["headers"])
    assert headers["x-id"] == "7"
    assert headers["cookie"] == "sid=1; t=2"
    assert headers["host"] == url.removeprefix("http://")
    assert scope["client"][0] == "127.0.0.1"
    assert scope["server"] == ["127.0.0.1", int(url.rpartition(":")[2])]
    if not source.startswith("lattice"):
        assert scope["scheme"] == "http"
    assert json.loads(seen["body"].encode("latin-1")) == {"a": "ü"}


@pytest.mark.parametrize("source", SOURCES)
def test_bytes_arrive_both_ways(buffered: dict[str, str], source: str) -> None:
    """A binary body is base64 on the way there and on the way back, and bytes at both ends."""
    url = buffered[source]
    data = bytes(range(256)) * 10

    assert echoed(httpx.put(url, content=data))["body"].encode("latin-1") == data
    answer = httpx.get(f"{url}/binary")
    assert (answer.content, answer.headers["content-type"]) == (bytes(range(256)), "image/png")
    assert answer.headers["content-length"] == "256"


@pytest.mark.parametrize("source", ["function-url", "rest", "alb"])
def test_uploads_up_to_the_limit(buffered: dict[str, str], source: str) -> None:
    """A large one arrives; one over the limit gets 413 to the end of its upload, and the connection goes on."""
    limit = {"function-url": 6_291_456, "rest": 10_485_760, "alb": 1_048_576}[source]
    with httpx.Client(base_url=buffered[source], headers={"content-type": "text/plain"}, timeout=30) as client:
        fits = "x" * min(limit, 5_000_000)
        assert client.post("/status?code=204", content=fits).status_code == 204
        assert client.post("/status?code=204", content="x" * (limit + 1)).status_code == 413
        pieces = [b"x" * 65536] * (limit // 65536 + 1)
        assert client.post("/status?code=204", content=iter(pieces)).status_code == 413
        assert client.get("/binary").status_code == 200


@pytest.mark.parametrize("source", SOURCES)
def test_cookies_are_headers_of_their_own(buffered: dict[str, str], source: str) -> None:
    """Commas in dates and all."""
    answer = httpx.get(f"{buffered[source]}/cookies")

    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT"]


@pytest.mark.parametrize("source", SOURCES)
def test_head_and_bodiless_statuses(buffered: dict[str, str], source: str) -> None:
    """No body, and the connection goes on."""
    with httpx.Client(base_url=buffered[source]) as client:
        assert client.head("/binary").content == b""
        assert client.get("/status?code=204").status_code == 204
        assert client.get("/status?code=304").status_code == 304
        assert client.get("/binary").content == bytes(range(256))


@pytest.mark.parametrize("source", STREAMING)
def test_streamed_head_and_bodiless_statuses(streaming: tuple[dict[str, str], Gateways, Gates], source: str) -> None:
    """The same for preludes."""
    with httpx.Client(base_url=streaming[0][source]) as client:
        assert client.head("/binary").content == b""
        assert client.get("/status?code=204").status_code == 204
        assert client.get("/status?code=304").status_code == 304
        answer = client.get("/cookies")
        assert answer.text == "cookies"
        assert answer.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT"]
        assert client.get("/binary").content == bytes(range(256))


@pytest.mark.parametrize("source", STREAMING)
def test_chunks_arrive_when_they_are_sent(streaming: tuple[dict[str, str], Gateways, Gates], source: str) -> None:
    """The application waits for a gate after each chunk, and the test opens it only when it has the chunk."""
    urls, gateways, gates = streaming
    names = [f"{source}-{number}" for number in range(3)]
    url = f"{urls[source]}/gated?{'&'.join(f'gate={name}' for name in names)}"

    with httpx.stream("GET", url, timeout=30) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_raw()
        for name in names:
            assert next(pieces) == name.encode()
            gates.open(name)
        assert b"".join(pieces) == b"end"

    record = gateways.records()[-1]
    gateways.until(lambda: record.finished_at is not None)
    assert (record.status, record.source, record.client_gone) == (200, source, False)
    assert record.delivered[-1][1] == sum(map(len, names)) + 3
    assert len(record.delivered) == 4


def test_large_body_arrives_whole(streaming: tuple[dict[str, str], Gateways, Gates]) -> None:
    """16 MB, byte for byte."""
    urls, gateways, _ = streaming
    digest = hashlib.sha256()
    with httpx.stream("GET", f"{urls['function-url']}/large?pieces=256", timeout=30) as answer:
        for piece in answer.iter_raw():
            digest.update(piece)

    assert digest.hexdigest() == answer.headers["x-sha256"]
    record = gateways.records()[-1]
    assert record.delivered[-1][1] == 256 * 65536


@pytest.mark.parametrize("source", STREAMING)
def test_failure_in_mid_stream_is_seen(streaming: tuple[dict[str, str], Gateways, Gates], source: str) -> None:
    """The client has half a body and knows it; the next request on a new connection is served."""
    urls, gateways, _ = streaming
    assert cut_off(f"{urls[source]}/raise") == b"half"

    record = gateways.records()[-1]
    gateways.until(lambda: record.finished_at is not None)
    assert (record.status, record.failure, record.error_type) == (200, "function", "Function.ZeroDivisionError")
    assert httpx.get(f"{urls[source]}/cookies").text == "cookies"


def test_process_that_dies_in_mid_stream_is_seen(streaming: tuple[dict[str, str], Gateways, Gates]) -> None:
    """As above, when nobody is left to say so."""
    urls, gateways, gates = streaming
    assert cut_off(f"{urls['function-url']}/exit", lambda: gates.open("exit")) == b"half"

    assert gateways.records()[-1].failure == "exit"
    assert httpx.get(f"{urls['function-url']}/cookies", timeout=30).text == "cookies"


def test_head_too_large_for_a_prelude_is_refused(streaming: tuple[dict[str, str], Gateways, Gates]) -> None:
    """The runtime refuses first, and its refusal arrives."""
    urls, _, _ = streaming

    assert httpx.get(f"{urls['function-url']}/head?size=20000").status_code == 500
    assert len(httpx.get(f"{urls['function-url']}/head?size=8000").headers["x-large"]) == 8000


def test_client_that_goes_away_is_noted(streaming: tuple[dict[str, str], Gateways, Gates]) -> None:
    """The function is not interrupted: it goes on, and ends as if the client were there."""
    urls, gateways, gates = streaming
    host, _, port = urls["function-url"].removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 30) as client:
        client.sendall(f"GET /gated?gate=gone&gate=later HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        received = b""
        while b"gone" not in received:
            received += client.recv(65536)
    record = gateways.records()[-1]

    gateways.until(lambda: record.client_gone, "the note")
    assert record.finished_at is None
    gates.open("gone", "later")
    gateways.until(lambda: record.finished_at is not None, "the end")
    assert record.failure is None
    assert bytes(record.response).endswith(b"gonelaterend")


def test_invocations_are_in_the_journal(buffered: dict[str, str]) -> None:
    """By the id that the client is told."""
    answer = httpx.get(f"{buffered['function-url']}/x?y=1", headers={"X-Amzn-Trace-Id": "Root=1-65a1b2c3-" + "0" * 24})
    context = echoed(answer)["scope"]

    assert answer.headers["x-amzn-requestid"] == context["aws.event"]["requestContext"]["requestId"]
    assert dict(context["headers"])["x-amzn-trace-id"] == "Root=1-65a1b2c3-" + "0" * 24


def test_parallel_requests_are_not_mixed_up() -> None:
    """A thousand on eight environments, 32 at a time: none is lost, each gets its own answer."""
    # httpcore closes connections that are too many, now and then under another thread's hands.
    all_kept = httpx.Limits(max_connections=32, max_keepalive_connections=32, keepalive_expiry=None)
    with Gateways("gateway_app:app", environments=8) as gateways, httpx.Client(timeout=60, limits=all_kept) as client:

        def ask(number: int) -> bool:
            seen = echoed(client.post(f"{gateways.url}/{number}", content=f"body {number}"))
            return bool(seen["scope"]["path"] == f"/{number}" and seen["body"] == f"body {number}")

        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            assert all(pool.map(ask, range(1000)))
        records = gateways.records()  # the journal keeps the latest 500
        assert {record.status for record in records} == {200}
        assert len({record.request_id for record in records}) == len(records)
        assert len({record.environment for record in records}) > 1


def test_failures_of_the_function() -> None:
    """An init error, whose traceback a browser shows; each other client gets AWS's words."""
    with Gateways("nowhere:app") as gateways:
        plain = httpx.get(gateways.url)
        page = httpx.get(gateways.url, headers={"Accept": "text/html,*/*"})

        assert (plain.status_code, plain.text) == (502, "Internal Server Error")
        assert plain.headers["x-everloop-error"] == "Runtime.ImportModuleError"
        assert page.status_code == 502
        assert "No module named" in page.text
        assert "nowhere" in page.text


def test_process_that_dies_and_time_that_passes() -> None:
    """502 for the one, 504 for the other, and the next request finds a new environment."""
    with (
        Gateways("gateway_app:app", timeout=1.0) as gateways,
        httpx.Client(base_url=gateways.url, timeout=30) as client,
    ):
        crashed = client.get(f"{gateways.url}/crash")
        assert (crashed.status_code, crashed.text) == (502, "Internal Server Error")
        assert crashed.headers["x-everloop-error"] == "Runtime.ExitError"
        late = client.get(f"{gateways.url}/sleep")
        assert late.status_code == 504
        assert late.headers["x-everloop-error"] == "Sandbox.Timedout"
        assert client.get(f"{gateways.url}/cookies").text == "cookies"


@pytest.mark.parametrize("source", ["rest", "http-api", "http-api-1.0"])
def test_stage_in_the_url(source: str) -> None:
    """It is the application's root path; beside it, the front end answers itself."""
    with Gateways("gateway_app:app", GatewayConfig(source=source, stage="prod")) as gateways:
        scope = echoed(httpx.get(f"{gateways.url}/prod/items"))["scope"]
        assert (scope["root_path"], scope["path"]) == ("/prod", "/prod/items")
        beside = httpx.get(f"{gateways.url}/production/items")
        assert beside.status_code == (403 if source == "rest" else 404)
        assert len(gateways.records()) == 1
