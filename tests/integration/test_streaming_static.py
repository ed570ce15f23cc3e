"""What StaticFiles and FileResponse answer that is not the whole file, byte for byte, with pathsend and without."""

import json
import os
import random
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from support.environment import Environment
from support.exchange import Exchange
from support.sample_events import function_url, rest

Share = Callable[..., Environment]

CONTENT = random.Random(8).randbytes(300_000)
MODIFIED = 1_700_000_000
NULS = b"\0" * 8
NONE_MATCH = "if-none-match"
SINCE = "if-modified-since"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("static") / "file.bin"
    path.write_bytes(CONTENT)
    os.utime(path, (MODIFIED, MODIFIED))
    return path


@pytest.fixture(params=["app", "without_pathsend"])
def env(shared: Share, file: Path, request: pytest.FixtureRequest) -> Environment:
    settings = {"EVERLOOP_RESPONSE_MODE": "streaming", "EVERLOOP_EXTENSION": "off", "FILE": str(file)}
    return shared(f"files:{request.param}", settings)


def asked(env: Environment, path: str, method: str = "GET", source: Any = function_url, **headers: str) -> Exchange:
    """Ask, and see that the slot polls again at once, on the same connection."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    exchange = env.invoke(source(path, method=method, headers=named), timeout=60).wait()
    poll = env.api.wait_for_poll()[0]
    assert exchange.request.completed_at is not None
    assert poll.received_at - exchange.request.completed_at < 5, "long before the deadline"
    assert len(env.api.connections) == 1
    return exchange


def framed(exchange: Exchange) -> tuple[dict[str, Any], bytes]:
    """The prelude and what follows it, cut out of the raw bytes by hand; every byte is accounted for."""
    head, _, rest_of_it = exchange.raw.partition(b"\r\n\r\n")
    assert b"\r\nTransfer-Encoding: chunked" in head
    assert b"\r\nLambda-Runtime-Function-Response-Mode: streaming" in head
    chunks = []
    while not rest_of_it.startswith(b"0\r\n"):
        size, _, rest_of_it = rest_of_it.partition(b"\r\n")
        chunks.append(rest_of_it[: int(size, 16)])
        assert rest_of_it[len(chunks[-1]) :][:2] == b"\r\n"
        rest_of_it = rest_of_it[len(chunks[-1]) + 2 :]
    assert rest_of_it == b"0\r\n\r\n", "an end without trailers, and nothing behind it"
    prelude, nuls, body = b"".join(chunks).partition(NULS)
    assert nuls
    return json.loads(prelude), body


def etag_of(env: Environment) -> str:
    etag: str = framed(asked(env, "/static/file.bin", "HEAD"))[0]["headers"]["etag"]
    return etag


@pytest.mark.parametrize("path", ["/static/file.bin", "/file"])
@pytest.mark.parametrize(("method", "body"), [("GET", CONTENT), ("HEAD", b"")])
def test_the_whole_file_and_its_head(env: Environment, path: str, method: str, body: bytes) -> None:
    """The same status and headers for both; the bytes for GET alone."""
    prelude, found = framed(asked(env, path, method))
    assert prelude["statusCode"] == 200
    assert prelude["headers"]["accept-ranges"] == "bytes"
    assert prelude["headers"]["last-modified"] == formatdate(MODIFIED, usegmt=True)
    assert found == body


@pytest.mark.parametrize("source", [function_url, rest], ids=["function URL", "REST"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("condition", [NONE_MATCH, "weak", "*", SINCE])
def test_a_file_that_is_known(env: Environment, source: Any, method: str, condition: str) -> None:
    """304: the prelude with the file's tag, eight NUL bytes, the end."""
    etag = etag_of(env)
    conditions = {
        NONE_MATCH: {"if_none_match": f'"another", {etag}'},
        "weak": {"if_none_match": f"W/{etag}"},
        "*": {"if_none_match": "*"},
        SINCE: {"if_modified_since": formatdate(MODIFIED, usegmt=True)},
    }
    exchange = asked(env, "/static/file.bin", method, source, **conditions[condition])
    assert framed(exchange) == ({"statusCode": 304, "headers": {"etag": etag}}, b"")
    assert len(exchange.chunks) == 1, "prelude and delimiter in one"


@pytest.mark.parametrize(
    "condition", [{"if_none_match": '"another"'}, {"if_modified_since": formatdate(MODIFIED - 1, usegmt=True)}]
)
def test_a_file_that_is_known_no_longer(env: Environment, condition: dict[str, str]) -> None:
    """Sent whole."""
    prelude, body = framed(asked(env, "/static/file.bin", **condition))
    assert (prelude["statusCode"], body) == (200, CONTENT)


@pytest.mark.parametrize("path", ["/static/file.bin", "/file"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("asked_for", "first", "end"),
    [("0-0", 0, 1), ("65535-65536", 65535, 65537), ("1-", 1, 300_000), ("-5", 299_995, 300_000)],
)
def test_a_part(env: Environment, path: str, method: str, asked_for: str, first: int, end: int) -> None:
    """206 with these bytes and no others; for HEAD with none."""
    prelude, body = framed(asked(env, path, method, range=f"bytes={asked_for}"))
    assert prelude["statusCode"] == 206
    assert prelude["headers"]["content-range"] == f"bytes {first}-{end - 1}/300000"
    assert body == (CONTENT[first:end] if method == "GET" else b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_several_parts(env: Environment, method: str) -> None:
    """206 in multipart form, each part with its place, cut as the boundary says."""
    prelude, body = framed(asked(env, "/static/file.bin", method, range="bytes=5-9,70000-200000,-1"))
    assert prelude["statusCode"] == 206
    boundary = prelude["headers"]["content-type"].removeprefix("multipart/byteranges; boundary=").encode()
    if method == "HEAD":
        assert body == b""
        return
    expected = b"".join(
        b"--%b\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes %d-%d/300000\r\n\r\n%b\r\n"
        % (boundary, first, last, CONTENT[first : last + 1])
        for first, last in ((5, 9), (70_000, 200_000), (299_999, 299_999))
    )
    assert body == expected + b"--%b--" % boundary


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_part_behind_the_end(env: Environment, method: str) -> None:
    """416 with the file's size and without a body."""
    prelude, body = framed(asked(env, "/static/file.bin", method, range="bytes=300000-"))
    assert (prelude["statusCode"], body) == (416, b"")
    assert prelude["headers"]["content-range"] == "bytes */300000"


def test_a_part_of_a_file_that_has_changed(env: Environment) -> None:
    """If-Range: the part where the tag is the file's, else the whole file."""
    etag = etag_of(env)
    _, part = framed(asked(env, "/file", range="bytes=1-2", if_range=etag))
    assert part == CONTENT[1:3]
    _, whole = framed(asked(env, "/file", range="bytes=1-2", if_range='"another"'))
    assert whole == CONTENT


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_file_that_is_not_there(env: Environment, method: str) -> None:
    """404, which has a body for GET."""
    prelude, body = framed(asked(env, "/static/nowhere.bin", method))
    assert (prelude["statusCode"], body) == (404, b"Not Found" if method == "GET" else b"")
