"""The recipe of docs/streaming.md with Django's own middleware, in both modes; Starlette's is in the other file."""

import base64
import gzip
import zlib

import pytest

from support.environment import Launcher
from support.exchange import Exchange
from support.gates import Gates
from support.sample_events import function_url, http_api, rest

django = pytest.importorskip("django")

FLUSHES = django.VERSION >= (6, 1)
"""Whether Django's middleware flushes with every piece; before, it keeps small ones back."""

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming"}
LINES = [f"line {number}, much like every other line\n".encode() * 20 for number in range(3)]
BOTH = pytest.mark.parametrize(("app", "path"), [("asgi", "/astream"), ("wsgi", "/stream")])


def compressible(path: str) -> dict[str, object]:
    return function_url(path, headers={"accept-encoding": "gzip, br"})


def unpacked(exchange: Exchange) -> bytes:
    """What a client can read so far."""
    if not exchange.requests or b"\0" * 8 not in exchange.request.content:
        return b""
    return zlib.decompressobj(31).decompress(exchange.request.stream())


@BOTH
def test_streams(launch: Launcher, gates: Gates, app: str, path: str) -> None:
    """Each line can be read before the next is made, where Django flushes; all of them in the end."""
    env = launch(f"compressing:{app}", STREAMING | gates.env)
    for turn in range(2):
        exchange = env.invoke(compressible(path))
        for number, line in enumerate(LINES):
            gates.open(f"line{number}")
            if FLUSHES and turn == 0:
                env.api.wait_for(lambda: line in unpacked(exchange), f"line {number}")  # noqa: B023
                assert b"".join(LINES[: number + 1]) == unpacked(exchange)
        exchange.wait()
        assert exchange.request.prelude()["headers"]["content-encoding"] == "gzip"
        assert gzip.decompress(exchange.request.stream()) == b"".join(LINES)


@BOTH
def test_buffered(launch: Launcher, gates: Gates, app: str, path: str) -> None:
    """One gzip body in base64."""
    env = launch(f"compressing:{app}", gates.env)
    gates.open("line0", "line1", "line2")
    for one in (path, "/page"):
        envelope = env.answers(compressible(one))
        assert (envelope["isBase64Encoded"], envelope["headers"]["content-encoding"]) == (True, "gzip")
        assert gzip.decompress(base64.b64decode(envelope["body"])) == b"".join(LINES)


@pytest.mark.parametrize("app", ["asgi", "wsgi"])
@pytest.mark.parametrize("mode", ["buffered", "streaming"])
def test_a_page(launch: Launcher, app: str, mode: str) -> None:
    """Compressed for those who can read it, as it is for those who cannot; its length is that of what is sent."""
    env = launch(f"compressing:{app}", {"EVERLOOP_RESPONSE_MODE": mode})
    if mode == "streaming":
        exchange = env.invoke(compressible("/page")).wait()
        assert gzip.decompress(exchange.request.stream()) == b"".join(LINES)
        assert exchange.request.prelude()["headers"].keys() >= {"content-encoding", "vary"}
    assert env.answers(http_api("/page"))["body"].encode() == b"".join(LINES)
    event = rest("/page", headers={"accept-encoding": "gzip"})
    exchange = env.invoke(event).wait()
    body = exchange.request.stream() if mode == "streaming" else base64.b64decode(exchange.response()["body"])
    assert gzip.decompress(body) == b"".join(LINES)
