"""Fixtures of the tests that need a Docker engine: the images, built once per session, and containers of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import docker.errors
import pytest

from support.containers import ROOT, Container
from support.images import IMAGE_TESTS, THREE_LINES, build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.containers import Starter

DEFAULT_PYTHON_IMAGE = "python:3.13-slim"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder, and give it the time that the first build takes."""
    for item in items:
        if IMAGE_TESTS in item.path.parents:
            item.add_marker("docker")
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def engine() -> Iterator[Any]:
    """Docker's engine, where one answers."""
    try:
        client = docker.from_env()
    except docker.errors.DockerException as error:
        pytest.skip(f"no Docker engine answers: {error}")
    try:
        yield client
    finally:
        client.close()


@pytest.fixture(scope="session")
def python_image(engine: Any) -> str:
    """The image that everloop is built on: TEST_EVERLOOP_PYTHON_IMAGE, else one that is here, else a pulled one."""
    if named := os.environ.get("TEST_EVERLOOP_PYTHON_IMAGE"):
        return named
    here = sorted(str(tag) for image in engine.images.list() for tag in image.tags)
    fitting = [tag for tag in here if re.fullmatch(r"(.+/)?python:3\.1[1-9](\.\d+)?(-slim.*)?", tag)]
    if fitting and DEFAULT_PYTHON_IMAGE not in here:
        return fitting[-1]
    return DEFAULT_PYTHON_IMAGE if DEFAULT_PYTHON_IMAGE in here else pull(engine, DEFAULT_PYTHON_IMAGE)


def pull(engine: Any, name: str) -> str:
    """Fetch an image; skip where that is not possible."""
    try:
        engine.images.pull(name)
    except docker.errors.APIError as error:
        pytest.skip(f"{name} cannot be pulled; TEST_EVERLOOP_PYTHON_IMAGE can name another: {error}")
    return name


@pytest.fixture(scope="session")
def everloop_image(engine: Any, python_image: str) -> str:
    """The image of this repository: what `docker build .` makes, by its target, since the old builder makes all."""
    return build(engine, "everloop-test", ROOT, buildargs={"PYTHON_IMAGE": python_image}, target="runtime")


@pytest.fixture(scope="session")
def dev_image(engine: Any, python_image: str) -> str:
    """The target with `everloop dev`."""
    return build(engine, "everloop-test-dev", ROOT, buildargs={"PYTHON_IMAGE": python_image}, target="dev")


@pytest.fixture(scope="session")
def example_image(engine: Any, python_image: str) -> str:
    """The FastAPI example on top, as compose.yaml builds it."""
    return build(engine, "everloop-test-example", ROOT, buildargs={"PYTHON_IMAGE": python_image}, target="example")


@pytest.fixture(scope="session")
def user_image(engine: Any, everloop_image: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A user's image: three lines on top of everloop."""
    folder = tmp_path_factory.mktemp("user")
    shutil.copy(IMAGE_TESTS / "user" / "main.py", folder)
    (folder / "Dockerfile").write_text(THREE_LINES.format(base=everloop_image), encoding="utf-8")
    return build(engine, "everloop-test-user", folder)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """everloop as `pip install everloop` gets it."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "wheel"]
    options = ["--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*pip, *options, str(ROOT)], check=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="session")
def python_version(engine: Any, python_image: str) -> str:
    """Python's version in the base, as `3.13`."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    output: bytes = engine.containers.run(python_image, ["python3", "-c", program], remove=True)
    return output.decode().strip()


@pytest.fixture(scope="session")
def aws_like_image(
    engine: Any, python_image: str, everloop_image: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A base laid out as AWS's own are, without anything of everloop: Python in /var/lang, a bootstrap, an entry point.

    What stands in for AWS's client says so and ends, so nothing can pass by accident through it.
    """
    folder = tmp_path_factory.mktemp("aws-like")
    shutil.copytree(IMAGE_TESTS / "aws_like", folder, dirs_exist_ok=True)
    arguments = {"PYTHON_IMAGE": python_image, "EVERLOOP_IMAGE": everloop_image}
    return build(engine, "everloop-test-aws-like", folder, buildargs=arguments)


@pytest.fixture
def start(engine: Any) -> Iterator[Starter]:
    """Starts containers that the end of the test removes."""
    with ExitStack() as stack:

        def start_container(image: str, command: list[str] | None = None, **options: Any) -> Container:
            return stack.enter_context(Container(engine, image, command, **options))

        yield start_container
