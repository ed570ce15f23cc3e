"""`make run` from its first line to Ctrl-C: an example served as on Lambda, for a browser."""

from __future__ import annotations

import re
import shlex
import socket
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(
    not (Path(sys.prefix) / ".ready").exists(), reason="this environment was not made by make"
)

READY = "Ready: "


def start(app: str) -> Run:
    return Run(["make", "--no-print-directory", "run", f"VENV={sys.prefix}", f"APP={app}", "PORT=0"], READY)


@pytest.fixture
def run() -> Iterator[Run]:
    """The FastAPI example, ready."""
    started = start("fastapi_stream")
    try:
        started.wait_until_ready()
        yield started
    finally:
        started.close()


def url_in(output: str) -> str:
    """Find the address to browse."""
    found = re.search(r"^  browse +(http://127\.0\.0\.1:\d+/)$", output, re.MULTILINE)
    assert found is not None, output
    return found[1]


def test_the_curl_line_shows_the_page(run: Run) -> None:
    """What it prints to copy is complete."""
    line = re.search(r"^  curl +(curl .*)$", run.output, re.MULTILINE)
    assert line is not None, run.output
    program, option, url = shlex.split(line[1])
    assert (program, option) == ("curl", "-N")  # which shows a stream as it comes
    with urllib.request.urlopen(url, timeout=20) as answer:
        shown = answer.read().decode()
    assert "EventSource(" in shown
    assert "<code>GET /greeting</code> Answer with JSON." in shown


def test_the_example_is_streamed(run: Run) -> None:
    """An event comes when it is made: the first one before the second, a minute later, exists."""
    port = int(url_in(run.output).split(":")[2].strip("/"))
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"GET /events?count=2&pause=60 HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        seen = b""
        while b"data: 1 of 2" not in seen:
            piece = client.recv(65536)
            assert piece, seen
            seen += piece
    assert b"2 of 2" not in seen


@pytest.mark.parametrize("stop", [Run.interrupt, Run.terminate], ids=["ctrl-c", "sigterm"])
def test_it_ends_without_a_trace(stop: Callable[[Run], None]) -> None:
    """No traceback, nothing left that listens; make hands signals on."""
    run = start("hello")
    try:
        port = int(url_in(run.wait_until_ready()).split(":")[2].strip("/"))
        stop(run)
        run.exit_code()
        assert "Stopped.\n" in run.output
        assert "Traceback" not in run.output
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1)
    finally:
        run.close()
