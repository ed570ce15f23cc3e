"""`FROM` an image of one's own, `pip install everloop`, ENTRYPOINT: as docs/image.md shows it, on two layouts."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.containers import ROOT
from support.images import IMAGE_TESTS, build

if TYPE_CHECKING:
    from support.containers import Starter


def documented() -> str:
    """The Dockerfile that docs/image.md shows for a base of one's own."""
    text = (ROOT / "docs" / "image.md").read_text(encoding="utf-8")
    (dockerfile,) = re.findall(r"```dockerfile\n(FROM python:3\.13-slim\n.*?)```", text, re.DOTALL)
    return str(dockerfile)


@pytest.fixture(scope="session", params=["debian", "aws-like"])
def own_image(
    request: pytest.FixtureRequest,
    engine: Any,
    python_image: str,
    wheel: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The documented Dockerfile on a base, with this repository's wheel where the package index would have it."""
    base = python_image if request.param == "debian" else request.getfixturevalue("aws_like_image")
    folder = tmp_path_factory.mktemp("own")
    shutil.copy(wheel, folder)
    shutil.copy(IMAGE_TESTS / "user" / "main.py", folder)
    shutil.copy(ROOT / "requirements" / "runtime.txt", folder / "requirements.txt")
    pins = "RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt"
    pinned = f"COPY requirements.txt {wheel.name} /tmp/\n{pins}"
    text = documented().replace("FROM python:3.13-slim", f"FROM {base}\n{pinned}", 1)
    assert "pip install --no-cache-dir everloop" in text
    text = text.replace("--no-cache-dir everloop", f"--no-cache-dir --no-index /tmp/{wheel.name}")
    (folder / "Dockerfile").write_text(text, encoding="utf-8")
    return build(engine, f"everloop-test-own-{request.param}", folder)


def test_own_base_serves(start: Starter, own_image: str) -> None:
    """AWS's emulator, mounted as AWS documents it, starts the image's own ENTRYPOINT and CMD."""
    emulator = shutil.which("aws-lambda-rie", path=Path(sys.executable).parent)
    if emulator is None:
        pytest.skip("aws-lambda-rie is not in the virtual environment: `make test` puts it there")
    container = start(
        own_image,
        ["python3", "-m", "everloop", "main:app"],
        entrypoint="/aws-lambda/aws-lambda-rie",
        volumes={emulator: {"bind": "/aws-lambda/aws-lambda-rie", "mode": "ro"}},
        read_only=True,
        tmpfs={"/tmp": ""},  # noqa: S108 - the one place that Lambda lets a function write to
        cap_drop=["ALL"],
        user="993:990",
    )
    surroundings = json.loads(container.invoke("/").json()["body"])
    assert surroundings["uid"] == 993
    assert surroundings["cwd"] == "/var/task"


def test_own_base_starts_by_its_entry_point(start: Starter, own_image: str) -> None:
    """On Lambda there is no emulator: ENTRYPOINT and CMD alone start everloop, which says what it misses here."""
    container = start(own_image)
    assert container.exit_code() == 1
    assert "AWS_LAMBDA_RUNTIME_API is not set" in container.log
