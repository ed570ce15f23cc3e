"""Files in streaming mode: whole, in ranges, asked for with HEAD, missing, and cut off."""

import hashlib
import os
import random
import threading
import time
from pathlib import Path

import pytest

from support.answers import Answer, Drop, Stall
from support.environment import Environment, Launcher
from support.exchange import Exchange
from support.process import RuntimeProcess
from support.sample_events import function_url, http_api, rest
from support.scripted_api import ScriptedRuntimeApi

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming"}
MEBIBYTE = 1024 * 1024
SIZES = [0, 1, MEBIBYTE - 1, MEBIBYTE, MEBIBYTE + 1, 3 * MEBIBYTE + 17]


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.bin"
    path.write_bytes(content(SIZES[-1]))
    return path


def asked(env: Environment, path: str = "/file", method: str = "GET", **headers: str) -> Exchange:
    return env.invoke(function_url(path, method=method, headers=headers)).wait()


def open_files(process: RuntimeProcess, path: Path) -> int:
    """How many times a process has a file open."""
    names = Path(f"/proc/{process.pid}/fd").iterdir()
    return sum(name.exists() and os.path.realpath(name) == str(path) for name in names)


@pytest.mark.parametrize("size", SIZES)
def test_file_arrives_whole(launch: Launcher, tmp_path: Path, loop: dict[str, str], size: int) -> None:
    """Whatever its size is beside that of the pieces, every byte arrives, once and in order, and the file is closed."""
    path = tmp_path / "sized.bin"
    path.write_bytes(content(size))
    env = launch("files:app", {**STREAMING, **loop, "FILE": str(path)})
    for _ in range(2):
        exchange = asked(env)
        assert exchange.request.prelude()["statusCode"] == 200
        assert hashlib.sha256(exchange.request.stream()).digest() == hashlib.sha256(content(size)).digest()
        assert exchange.trailers == {}
    env.api.wait_for_poll()
    assert open_files(env.process, path) == 0


def test_file_leaves_in_large_pieces(launch: Launcher, file: Path) -> None:
    """The extension is used: a mebibyte a chunk, where Starlette itself would read 64 KiB."""
    exchange = asked(launch("files:app", {**STREAMING, "FILE": str(file)}))
    assert [chunk.size for chunk in exchange.chunks][1:] == [MEBIBYTE, MEBIBYTE, MEBIBYTE, 17]


def test_slow_disk_holds_up_nobody(launch: Launcher, tmp_path: Path) -> None:
    """While a file cannot be read yet (a pipe is one), the loop serves others: it is opened and read in a thread."""
    path = tmp_path / "slow.bin"
    os.mkfifo(path)
    env = launch("files:by_hand", {**STREAMING, "FILE": str(path), "AWS_LAMBDA_MAX_CONCURRENCY": "2"})
    slow = env.invoke(function_url(), timeout=60).wait_for_delivery()
    quick = tmp_path / "quick.bin"
    quick.write_bytes(b"quick")
    assert env.invoke(function_url(query=str(quick))).wait().request.stream() == b"quick"
    with path.open("wb") as disk:  # opened by now: reading waits
        disk.write(b"begun")
        disk.flush()
        assert env.invoke(function_url(query=str(quick))).wait().request.stream() == b"quick"
        assert slow.requests == []
        disk.write(b" and done")
    assert slow.wait().request.stream() == b"begun and done"


def test_extensions_that_are_offered(launch: Launcher, file: Path) -> None:
    """Only what can be honoured is advertised, and pathsend only where the response is streamed."""
    env = launch("files:app", {**STREAMING, "FILE": str(file)})
    assert asked(env, "/extensions").request.stream() == b'{"http.response.pathsend":{}}'
    assert env.answers(http_api("/extensions"))["body"] == "{}"
    buffered = launch("files:app", {"FILE": str(file)})
    assert buffered.answers(function_url("/extensions"))["body"] == "{}"


@pytest.mark.parametrize(
    ("asked_for", "first", "last"),
    [("0-0", 0, 0), ("5-1048580", 5, 1048580), ("-17", -17, None), ("3145728-", -17, None)],
)
def test_range(launch: Launcher, file: Path, asked_for: str, first: int, last: int | None) -> None:
    """A range is a 206 with these bytes and no others."""
    exchange = asked(launch("files:app", {**STREAMING, "FILE": str(file)}), range=f"bytes={asked_for}")
    prelude = exchange.request.prelude()
    expected = content(SIZES[-1])[first : None if last is None else last + 1]
    assert prelude["statusCode"] == 206
    assert prelude["headers"]["content-range"].endswith(f"/{SIZES[-1]}")
    assert exchange.request.stream() == expected


@pytest.mark.parametrize(("method", "status", "size"), [("GET", 206, 10), ("HEAD", 206, 0)])
def test_ranges_of_a_rest_api(launch: Launcher, file: Path, method: str, status: int, size: int) -> None:
    """A part, and the head of a part."""
    env = launch("files:app", {**STREAMING, "FILE": str(file)})
    exchange = env.invoke(rest("/file", method=method, headers={"Range": "bytes=0-9"})).wait()
    assert exchange.request.prelude()["statusCode"] == status
    assert exchange.request.stream() == content(SIZES[-1])[:size]


def test_several_ranges(launch: Launcher, file: Path) -> None:
    """Several ranges are one multipart body that holds them all."""
    exchange = asked(launch("files:app", {**STREAMING, "FILE": str(file)}), range="bytes=0-9,100-109")
    whole = content(SIZES[-1])
    assert exchange.request.prelude()["headers"]["content-type"].startswith("multipart/byteranges")
    assert whole[:10] in exchange.request.stream()
    assert whole[100:110] in exchange.request.stream()


def test_range_that_is_not_there(launch: Launcher, file: Path) -> None:
    """A range behind the end is a 416 that tells the size."""
    exchange = asked(launch("files:app", {**STREAMING, "FILE": str(file)}), range="bytes=99999999-")
    assert exchange.request.prelude()["statusCode"] == 416
    assert exchange.request.prelude()["headers"]["content-range"] == f"bytes */{SIZES[-1]}"


def test_head(launch: Launcher, file: Path) -> None:
    """HEAD gives status and headers and no byte of the file, also where the application names it all the same."""
    env = launch("files:app", {**STREAMING, "FILE": str(file)})
    exchange = asked(env, method="HEAD")
    assert exchange.request.prelude()["headers"]["accept-ranges"] == "bytes"
    assert exchange.request.stream() == b""
    by_hand = launch("files:by_hand", {**STREAMING, "FILE": "/nowhere"})
    assert asked(by_hand, method="HEAD").request.stream() == b""
    by_hand.process.wait_for_log("^sent$")


def test_file_behind_middleware(launch: Launcher, file: Path) -> None:
    """Starlette's BaseHTTPMiddleware and GZipMiddleware hand a file on."""
    env = launch("files:behind_middleware", {**STREAMING, "FILE": str(file)})
    for _ in range(2):
        exchange = asked(env, **{"accept-encoding": "gzip"})
        assert exchange.request.stream() == content(SIZES[-1])
        assert "content-encoding" not in exchange.request.prelude()["headers"]


def test_file_that_cannot_be_read(launch: Launcher, file: Path) -> None:
    """It is the application's mistake, not a client that is gone: ProtocolError, a 500, and the next one is served."""
    env = launch("files:by_hand", {**STREAMING, "FILE": str(file)})
    for query in ("/nowhere/at-all", "/"):
        exchange = env.invoke(function_url(query=query)).wait()
        assert exchange.request.prelude()["statusCode"] == 500
        assert exchange.request.stream() == b"Internal Server Error"
    assert " False " in env.process.wait_for_log("send raised ProtocolError.*nowhere").text
    assert asked(env).request.stream() == content(SIZES[-1])


@pytest.mark.parametrize("left", [0, 17, MEBIBYTE, 2 * MEBIBYTE + 5])
def test_file_that_shrinks_is_not_taken_for_a_whole_one(launch: Launcher, file: Path, left: int) -> None:
    """Its length is not passed on, so only a failure can tell: 500 before the first piece, trailers after it."""
    env = launch("files:shrinking", {**STREAMING, "FILE": str(file)})
    exchange = env.invoke(function_url(query=str(left))).wait()
    env.process.wait_for_log(f"{file}.*{SIZES[-1] - left} bytes shorter than its content-length says")
    if left < MEBIBYTE:
        assert exchange.request.prelude()["statusCode"] == 500
        assert exchange.trailers == {}
    else:
        assert exchange.request.stream() == content(SIZES[-1])[: left - left % MEBIBYTE]
        assert exchange.trailers["lambda-runtime-function-error-type"] == "Function.ProtocolError"


def test_file_that_vanishes_while_it_is_sent_arrives_whole(launch: Launcher, file: Path) -> None:
    """What is open is there until it is closed."""
    release = threading.Event()
    with ScriptedRuntimeApi(receive_buffer=16 * 1024) as api:
        env = launch("files:app", {**STREAMING, "FILE": str(file)}, api=api)
        stalled = Answer(stall=Stall(after=1, until=release))
        exchange = env.invoke(function_url("/file"), answer=stalled).wait_for_size(1)
        file.unlink()
        release.set()
        assert exchange.wait().request.stream() == content(SIZES[-1])


@pytest.mark.parametrize(("path", "said"), [("/body-first", "in state BODY"), ("/no-path", "has path None")])
def test_pathsend_that_is_wrong_here(launch: Launcher, file: Path, path: str, said: str) -> None:
    """A file instead of the body, not after a part of it, and with a path."""
    env = launch("files:by_hand", {**STREAMING, "FILE": str(file)})
    exchange = asked(env, path)
    env.process.wait_for_log(f"send raised ProtocolError.*{said}")
    if path == "/body-first":
        assert exchange.request.stream() == b"half"
        assert exchange.trailers["lambda-runtime-function-error-type"] == "Function.ProtocolError"
    else:
        assert exchange.request.prelude()["statusCode"] == 500


def test_pathsend_that_was_not_offered(launch: Launcher, file: Path) -> None:
    """Buffered, the message is as wrong as any other that is not advertised."""
    env = launch("files:by_hand", {"FILE": str(file)})
    assert env.answers(function_url())["statusCode"] == 500
    env.process.wait_for_log("send raised ProtocolError.*pathsend")


def test_broken_file_is_closed(launch: Launcher, tmp_path: Path) -> None:
    """When the connection breaks in the middle of a file, sending ends with OSError and the file is closed."""
    path = tmp_path / "large.bin"
    with path.open("wb") as sparse:
        sparse.truncate(64 * MEBIBYTE)
    release = threading.Event()
    with ScriptedRuntimeApi(receive_buffer=16 * 1024) as api:
        env = launch("files:by_hand", {**STREAMING, "FILE": str(path)}, api=api)
        exchange = env.invoke(function_url(), answer=Drop(after=1, hold=release)).wait_for_size(1)
        assert open_files(env.process, path) == 1
        release.set()
        exchange.wait()
        assert " True " in env.process.wait_for_log("send raised").text
        api.wait_for_poll()
        until = time.monotonic() + 5  # the thread that reads ahead closes it
        while open_files(env.process, path) and time.monotonic() < until:
            time.sleep(0.01)
        assert open_files(env.process, path) == 0
