"""The `dev` target: `everloop dev` in a container, browsed from outside, with the user's files mounted."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from support.images import IMAGE_TESTS

if TYPE_CHECKING:
    from support.containers import Container, Starter

LAMBDA: dict[str, Any] = {"read_only": True, "tmpfs": {"/tmp": ""}, "cap_drop": ["ALL"], "user": "993:990"}  # noqa: S108
MOUNTED = {str(IMAGE_TESTS / "user"): {"bind": "/var/task", "mode": "ro"}}

STREAMING = """
import asyncio

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(3):
        await send({"type": "http.response.body", "body": b"piece %d" % number, "more_body": True})
        await asyncio.sleep(0.5)
    await send({"type": "http.response.body"})
"""


@pytest.fixture
def dev(start: Starter, dev_image: str) -> Container:
    """The user's application under `everloop dev`, restricted as on Lambda."""
    command = ["dev", "main:app", "--host", "0.0.0.0", "--port", "8080"]
    container = start(dev_image, command, volumes=MOUNTED, **LAMBDA)
    container.wait_until(lambda: listens(container), "everloop dev listens")
    return container


def listens(container: Container) -> bool:
    try:
        urllib.request.urlopen(f"{container.address}/_everloop/", timeout=10).close()
    except OSError:
        return False
    return True


def test_a_browser_sees_the_application(dev: Container) -> None:
    """A plain GET, no event by hand; the application runs under the restrictions of Lambda."""
    with urllib.request.urlopen(f"{dev.address}/", timeout=30) as response:
        surroundings = json.load(response)
    assert surroundings["uid"] == 993
    assert surroundings["cwd"] == "/var/task"
    assert surroundings["writable"] == ["/tmp"]  # noqa: S108


def test_docker_stop_ends_it_in_order(dev: Container) -> None:
    """The application's lifespan is shut down and the exit code is 0."""
    urllib.request.urlopen(f"{dev.address}/", timeout=30).close()
    assert dev.stop() < 10
    assert dev.exit_code() == 0
    assert "lifespan shutdown" in dev.log


def test_pieces_come_one_by_one(start: Starter, dev_image: str) -> None:
    """What AWS's emulator collects, this one hands on as it comes."""
    script = (
        "mkdir /tmp/task && cd /tmp/task && printf '%s' \"$PROGRAM\" > main.py && exec everloop dev main:app"
        " --root /tmp/task --host 0.0.0.0 --port 8080 --mode streaming"
    )
    container = start(dev_image, ["-c", script], entrypoint="sh", environment={"PROGRAM": STREAMING})
    container.wait_until(lambda: listens(container), "everloop dev listens")
    came = []
    with urllib.request.urlopen(f"{container.address}/", timeout=30) as response:
        while piece := response.read1():
            came.append((piece, time.monotonic()))
    assert [piece for piece, _ in came] == [b"piece 0", b"piece 1", b"piece 2"]
    assert came[-1][1] - came[0][1] > 0.5


def test_aws_s_emulator_is_in_it_as_well(start: Starter, dev_image: str) -> None:
    """The same image serves both ways to try."""
    container = start(dev_image, ["main:app"], entrypoint="/lambda-entrypoint.sh", volumes=MOUNTED)
    assert container.invoke("/large", "bytes=3").json()["body"] == "xxx"
