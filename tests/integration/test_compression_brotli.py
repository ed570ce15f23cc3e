"""Brotli, in both modes: brotli-asgi around Starlette, Litestar's own, and what docs/streaming.md warns of."""

import base64
from pathlib import Path

import pytest

from support.environment import Launcher
from support.exchange import Exchange
from support.gates import Gates
from support.sample_events import function_url, rest

brotli = pytest.importorskip("brotli")

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming"}
LINES = [f"line {number}, much like every other line\n".encode() * 20 for number in range(3)]
BOTH = pytest.mark.parametrize("app", ["starlette", "litestar"])
ACCEPTED = {"accept-encoding": "gzip, br"}


def decoded(exchange: Exchange) -> bytes:
    """What a client can read so far."""
    if not exchange.requests or b"\0" * 8 not in exchange.request.content:
        return b""
    return bytes(brotli.Decompressor().process(exchange.request.stream()))


@BOTH
def test_streams(launch: Launcher, gates: Gates, app: str) -> None:
    """Each line can be decoded before the next is made, server-sent events as well; all of them in the end."""
    env = launch(f"brotli_apps:{app}", STREAMING | gates.env)
    for path in ("/events", "/stream"):
        exchange = env.invoke(function_url(path, headers=ACCEPTED))
        for number in range(len(LINES)):
            gates.open(f"line{number}")
            if path == "/events":
                expected = b"".join(LINES[: number + 1])
                env.api.wait_for(lambda: decoded(exchange) == expected, f"line {number}")  # noqa: B023
        exchange.wait()
        headers = exchange.request.prelude()["headers"]
        assert (headers["content-encoding"], headers["vary"].lower()) == ("br", "accept-encoding")
        assert len(exchange.request.stream()) < 200
        assert brotli.decompress(exchange.request.stream()) == b"".join(LINES)
        assert exchange.trailers == {}
    assert env.invoke(function_url("/page")).wait().request.stream() == b"".join(LINES), "for who cannot read Brotli"


@BOTH
def test_buffered(launch: Launcher, gates: Gates, app: str) -> None:
    """One Brotli body in base64, of a page and of a stream; text for those who cannot read Brotli."""
    env = launch(f"brotli_apps:{app}", gates.env)
    gates.open("line0", "line1", "line2")
    for path in ("/stream", "/page"):
        for event in (function_url(path, headers=ACCEPTED), rest(path, headers=ACCEPTED)):
            envelope = env.answers(event)
            assert (envelope["isBase64Encoded"], envelope["headers"]["content-encoding"]) == (True, "br")
            assert brotli.decompress(base64.b64decode(envelope["body"])) == b"".join(LINES)
    assert env.answers(function_url("/page"))["body"].encode() == b"".join(LINES)


def test_files_that_the_middleware_leaves_alone(launch: Launcher, tmp_path: Path) -> None:
    """The recipe: with `excluded_handlers` a file is sent by everloop, whole and in ranges."""
    path = tmp_path / "file.bin"
    path.write_bytes(b"".join(LINES) * 100)
    env = launch("brotli_apps:starlette", {**STREAMING, "FILE": str(path)})
    for headers, status, body in (({}, 200, path.read_bytes()), ({"range": "bytes=5-9"}, 206, path.read_bytes()[5:10])):
        exchange = env.invoke(function_url("/static/file", headers=ACCEPTED | headers)).wait()
        prelude = exchange.request.prelude()
        assert (prelude["statusCode"], exchange.request.stream()) == (status, body)
        assert "content-encoding" not in prelude["headers"]


def test_files_that_the_middleware_spoils(launch: Launcher, tmp_path: Path) -> None:
    """brotli-asgi 1.7 drops a file that is named to the server, a 500 whose log says so, and compresses ranges."""
    path = tmp_path / "file.bin"
    path.write_bytes(b"".join(LINES) * 100)
    env = launch("brotli_apps:starlette", {**STREAMING, "FILE": str(path)})
    exchange = env.invoke(function_url("/file", headers=ACCEPTED)).wait()
    assert exchange.request.prelude()["statusCode"] == 500
    env.process.wait_for_log("nothing was sent.*http.response.pathsend.*docs/streaming.md")
    exchange = env.invoke(function_url("/file", headers=ACCEPTED | {"range": "bytes=0-999"})).wait()
    assert exchange.request.prelude()["statusCode"] == 206
    assert brotli.decompress(exchange.request.stream()) == path.read_bytes()[:1000]
    buffered = launch("brotli_apps:starlette", {"FILE": str(path)})
    envelope = buffered.answers(function_url("/file", headers=ACCEPTED))
    assert brotli.decompress(base64.b64decode(envelope["body"])) == path.read_bytes()
