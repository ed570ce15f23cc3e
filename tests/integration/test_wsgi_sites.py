"""Flask, Bottle, Falcon and Django, end to end: what people really do with them, streamed and buffered."""

import base64
import json
import uuid
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from support.environment import Environment
from support.sample_events import HOST, function_url, http_api

FRAMEWORKS = ["flask", "bottle", "falcon", "django_wsgi", "django_asgi"]
SETTINGS = {"EVERLOOP_RESPONSE_MODE": "streaming", "EVERLOOP_BASE_PATH": "/shop"}

Site = Callable[[], Environment]


@pytest.fixture(params=FRAMEWORKS)
def site(request: pytest.FixtureRequest, shared: Callable[..., Environment]) -> Environment:
    """One process for all tests of a framework: each leaves it as it was."""
    pytest.importorskip(request.param.partition("_")[0])
    return shared(f"wsgi_sites:{request.param}()", SETTINGS)


def get(env: Environment, path: str, **how: Any) -> tuple[int, dict[str, str], bytes]:
    """What the client of a Function URL gets: status, headers, body."""
    exchange = env.invoke(function_url(f"/shop{path}", **how)).wait()
    prelude = exchange.request.prelude()
    return prelude["statusCode"], prelude["headers"], exchange.request.stream()


def form(data: bytes, note: str) -> dict[str, Any]:
    boundary = uuid.uuid4().hex
    head = 'Content-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: application/octet-stream'
    body = f"--{boundary}\r\n{head}\r\n\r\n".encode() + data + b"\r\n"
    body += f'--{boundary}\r\nContent-Disposition: form-data; name="note"\r\n\r\n{note}\r\n--{boundary}--\r\n'.encode()
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    return {"method": "POST", "headers": headers, "body": body}


def test_links_lead_back_to_the_client(site: Environment) -> None:
    """Scheme, host and the path that the application is mounted under."""
    assert get(site, "/link")[2].decode() == f"https://{HOST}/shop/link?page=2"


def test_cookies(site: Environment) -> None:
    """One comes in, two go out, each by itself."""
    exchange = site.invoke(function_url("/shop/cookies") | {"cookies": ["other=0", "seen=before"]}).wait()
    assert exchange.request.stream() == b"before"
    assert [cookie.split(";")[0] for cookie in exchange.request.prelude()["cookies"]] == ["first=1", "second=2"]


@pytest.mark.parametrize("size", [1000, 4_000_000])
def test_uploads(site: Environment, size: int) -> None:
    """Byte for byte, as much as fits into an event."""
    data = bytes(range(256)) * (size // 256)
    status, _, body = get(site, "/upload", **form(data, "für dich"))
    assert status == 200
    assert json.loads(body) == {"size": len(data), "sum": zlib.crc32(data), "note": "für dich"}


def test_binary_answers(site: Environment) -> None:
    """As they are in a stream; in base64 where a source cannot stream; none of it for HEAD."""
    assert get(site, "/binary")[2] == b"\x00\xffraw"
    envelope = site.answers(http_api("/shop/binary"))
    assert (envelope["isBase64Encoded"], base64.b64decode(envelope["body"])) == (True, b"\x00\xffraw")
    assert get(site, "/binary", method="HEAD")[2] == b""


def test_streams(site: Environment) -> None:
    """A chunk for a piece; joined where a source cannot stream."""
    exchange = site.invoke(function_url("/shop/stream")).wait()
    assert exchange.request.stream() == b"onetwothree"
    assert [bytes(chunk.data) for chunk in exchange.chunks][-2:] == [b"two", b"three"]
    assert site.answers(http_api("/shop/stream"))["body"] == "onetwothree"


def test_failures(site: Environment) -> None:
    """The framework's own pages; the next request is served."""
    assert get(site, "/fails")[0] == 500
    assert get(site, "/nowhere")[0] == 404
    assert get(site, "/binary")[0] == 200
