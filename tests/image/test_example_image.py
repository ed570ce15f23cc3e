"""The FastAPI example in a container: every kind of answer that it is there to show, and compose.yaml."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
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


@pytest.fixture
def compose_port(python_image: str) -> Iterator[int]:
    """The port of a running `docker compose up`, which the end of the test takes down."""
    port = free_port()
    environment = os.environ | {"PYTHON_IMAGE": python_image, "PORT": str(port)}
    command = [*compose(), "--project-name", "everloop-test"]

    def run(*arguments: str) -> None:
        done = subprocess.run([*command, *arguments], cwd=ROOT, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="backslashreplace")

    try:
        run("up", "--build", "--detach")
        yield port
    finally:
        run("down")


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


def test_compose_runs_it(compose_port: int) -> None:
    """`docker compose up` is all that it takes; it builds what is missing."""
    envelope = invoke(compose_port, function_url_event("/greeting", "name=compose")).json()
    assert json.loads(envelope["body"]) == {"message": "Hello, compose!"}
