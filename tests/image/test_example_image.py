"""The FastAPI example in a container: every kind of answer that it is there to show, and compose.yaml."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from support.containers import ROOT, Container, function_url_event, invoke

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.containers import Starter

UPLOAD = b'--cut\r\ncontent-disposition: form-data; name="file"; filename="a.bin"\r\n\r\n\0\xff\r\n--cut--\r\n'
"""A form with one file of two bytes, as a browser sends it."""


@pytest.fixture
def example(start: Starter, example_image: str) -> Container:
    """The example, where answers are streamed."""
    return start(example_image, environment={"EVERLOOP_RESPONSE_MODE": "streaming"})


def post(path: str, content_type: str = "application/json", body: bytes = b"") -> dict[str, Any]:
    """Make the changes that turn the sample event into a POST."""
    event = function_url_event(path)
    event["requestContext"]["http"]["method"] = "POST"
    event["headers"] |= {"content-type": content_type, "content-length": str(len(body))}
    return {
        "requestContext": event["requestContext"],
        "headers": event["headers"],
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def test_index_lists_the_routes(example: Container) -> None:
    """Who opens the function's URL finds what there is to try."""
    prelude, body = example.invoke("/").streamed()
    assert prelude["headers"]["content-type"] == "text/html; charset=utf-8"
    assert b"<code>GET /download</code>" in body


def test_json(example: Container) -> None:
    """The query arrives, JSON comes back."""
    _, body = example.invoke("/greeting", "name=%C3%89va").streamed()
    assert json.loads(body) == {"message": "Hello, Éva!"}


def test_upload(example: Container) -> None:
    """A binary form arrives byte for byte."""
    _, body = example.invoke(
        "/files", **post("/files", content_type="multipart/form-data; boundary=cut", body=UPLOAD)
    ).streamed()
    assert json.loads(body) == {
        "name": "a.bin",
        "type": None,
        "size": 2,
        "sha256": hashlib.sha256(b"\0\xff").hexdigest(),
    }


def test_server_sent_events(example: Container) -> None:
    """Every event is in the stream, in order."""
    prelude, body = example.invoke("/events", "count=3&pause=0.01").streamed()
    assert prelude["headers"]["content-type"] == "text/event-stream; charset=utf-8"
    assert [block.split(b"data: ")[1] for block in body.split(b"\n\n")[:-1]] == [b"1 of 3", b"2 of 3", b"3 of 3"]


def test_download(example: Container) -> None:
    """A download of several blocks is whole. The emulator takes 6 MB; on Lambda it may have 200."""
    _, body = example.invoke("/download", "mebibytes=5").streamed()
    assert body == b"".join(bytes([number]) * 1024 * 1024 for number in range(5))


def test_background_task_is_done_by_the_next_event(example: Container) -> None:
    """The answer does not wait for the task, the next event does: what was noted is there."""
    prelude, _ = example.invoke("/notes", "text=later", **post("/notes")).streamed()
    assert prelude["statusCode"] == 202
    assert json.loads(example.invoke("/notes").streamed()[1]) == ["later"]


class Compose:
    """compose.yaml of this repository, as a project of the test's own on ports of its own."""

    def __init__(self, python_image: str) -> None:
        self.ports = {"PORT": free_port(), "RIE_PORT": free_port()}
        ports = {name: str(port) for name, port in self.ports.items()}
        self._environment = os.environ | {"PYTHON_IMAGE": python_image} | ports
        self._command = [*compose(), "--project-name", "everloop-test"]

    def run(self, *arguments: str) -> str:
        """Run a command of compose; give what it prints."""
        done = subprocess.run(
            [*self._command, *arguments], cwd=ROOT, env=self._environment, capture_output=True, check=False
        )
        output = (done.stdout + done.stderr).decode(errors="backslashreplace")
        assert done.returncode == 0, output
        return output


@pytest.fixture
def composed(python_image: str) -> Iterator[Compose]:
    """Compose, whose containers the end of the test takes down."""
    composition = Compose(python_image)
    try:
        yield composition
    finally:
        composition.run("--profile", "dev", "--profile", "rie", "down")


def compose() -> list[str]:
    """Find Docker's compose, as the plugin that it is today or as the program that it was."""
    if shutil.which("docker"):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if plugin.returncode == 0:
            return ["docker", "compose"]
    if program := shutil.which("docker-compose"):
        return [program]
    pytest.skip("neither `docker compose` nor docker-compose is installed")


def free_port() -> int:
    """Let the system pick a port of this machine."""
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        return int(candidate.getsockname()[1])


def test_compose_shows_a_stream(composed: Compose) -> None:
    """`docker compose up` is all that it takes: the client's pieces come a second apart, and the client ends well."""
    output = composed.run("up", "--build", "--exit-code-from", "client")
    seconds = [float(found) for found in re.findall(r"([\d.]+) s data: \d of 5", output)]
    assert len(seconds) == 5, output
    assert all(later - earlier > 0.5 for earlier, later in pairwise(seconds)), seconds
    assert "the stream has ended" in output


def test_compose_runs_aws_s_emulator(composed: Compose) -> None:
    """The other profile, by its own name; nothing of the first one starts with it."""
    composed.run("--profile", "rie", "up", "--build", "--detach", "rie")
    envelope = invoke(composed.ports["RIE_PORT"], function_url_event("/greeting", "name=compose")).json()
    assert json.loads(envelope["body"]) == {"message": "Hello, compose!"}
    assert "_dev_" not in composed.run("--profile", "rie", "ps")
