"""The Lambda layer: unpacked to /opt of a base laid out as AWS's managed runtimes are, it serves by two settings."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest

from support.containers import ROOT
from support.images import IMAGE_TESTS, build

if TYPE_CHECKING:
    from support.containers import Starter

WRAPPER = "/opt/everloop"
TWO_SETTINGS = {"AWS_LAMBDA_EXEC_WRAPPER": WRAPPER, "EVERLOOP_RESPONSE_MODE": "streaming"}
UNPACKED = "FROM {base}\nCOPY layer/ /opt/\nCOPY main.py ./\n"


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory, python_version: str) -> Path:
    """The layer's zip, for the base's Python alone: each further version takes a quarter of a minute."""
    destination = tmp_path_factory.mktemp("layer") / "layer.zip"
    command = [sys.executable, str(ROOT / "layer" / "build.py"), "--python", python_version, str(destination)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return destination


@pytest.fixture(scope="session")
def zip_function(engine: Any, aws_like_image: str, layer: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A ZIP function with the layer, as Lambda lays both out."""
    folder = tmp_path_factory.mktemp("zip-function")
    # Lambda unpacks with the modes that the zip gives, which Python's own unpacking does not.
    with ZipFile(layer) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, folder / "layer"))
            path.chmod(entry.external_attr >> 16 & 0o777)
    shutil.copy(IMAGE_TESTS / "user" / "main.py", folder)
    (folder / "Dockerfile").write_text(UNPACKED.format(base=aws_like_image), encoding="utf-8")
    return build(engine, "everloop-test-layer", folder)


def test_two_settings_make_a_zip_function_stream(start: Starter, zip_function: str) -> None:
    """The wrapper takes the place of AWS's client, and finds the layer's packages before those of /var/runtime."""
    container = start(zip_function, ["main.app"], environment=TWO_SETTINGS)
    prelude, body = container.invoke("/").streamed()
    assert prelude["statusCode"] == 200
    surroundings = json.loads(body)
    assert surroundings["cwd"] == "/var/task"
    assert surroundings["python"].startswith("/var/lang/bin/python3.")
    assert surroundings["environment"]["PYTHONPATH"].startswith("/opt/python/lib/python3.")
    assert "everloop" in container.log


def test_without_the_wrapper_aws_s_client_runs(start: Starter, zip_function: str) -> None:
    """The proof that the test above is one: the layer alone changes nothing."""
    container = start(zip_function, ["main.app"])
    assert container.invoke("/").status == 502
    assert "this is AWS's client" in container.log


def test_the_layer_serves_managed_instances(start: Starter, zip_function: str) -> None:
    """There the platform starts the bootstrap, as a user that owns nothing; the wrapper is asked all the same."""
    environment = {
        "AWS_LAMBDA_EXEC_WRAPPER": WRAPPER,
        "AWS_LAMBDA_MAX_CONCURRENCY": "4",
        "_HANDLER": "main.app",
    }
    container = start(zip_function, ["main.app"], environment=environment)
    container.wait_until(lambda: container.invoke("/").status == 200, "an answer")
    assert json.loads(container.invoke("/").json()["body"])["uid"] == 993


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ([], "expected the runtime's own command"),
        (["/var/lang/bin/python2.7", "/var/runtime/bootstrap.py"], "this layer has nothing for"),
    ],
)
def test_a_wrapper_that_cannot_serve_says_why(
    start: Starter, zip_function: str, command: list[str], message: str
) -> None:
    """Whoever reads the function's log learns what to change."""
    container = start(zip_function, command, entrypoint=WRAPPER)
    assert container.exit_code() == 64
    assert message in container.log


def test_options_of_the_interpreter_are_kept(start: Starter, zip_function: str) -> None:
    """A runtime may start Python with options, and so does everloop then."""
    command = "/var/lang/bin/python3 -X importtime -B /var/runtime/bootstrap.py"
    script = f"ln -s /opt/python/lib/python3.1* /opt/python/lib/python3; exec {WRAPPER} {command}"
    container = start(zip_function, ["-c", script], entrypoint="sh")
    assert container.exit_code() == 1
    assert "import time:" in container.log
    assert "AWS_LAMBDA_RUNTIME_API is not set" in container.log


def test_it_is_small_and_has_bytecode_and_no_tests(layer: Path, python_version: str) -> None:
    """A function and its layers have 250 MB together, unzipped, and a disk that cannot be written."""
    with ZipFile(layer) as archive:
        names = archive.namelist()
        assert sum(entry.file_size for entry in archive.infolist()) < 10_000_000
    site = f"python/lib/python{python_version}/site-packages/"
    tag = python_version.replace(".", "")
    assert f"{site}everloop/__pycache__/__main__.cpython-{tag}.pyc" in names
    assert f"{site}uvloop/__pycache__/__init__.cpython-{tag}.pyc" in names
    assert [name for name in names if "/tests/" in name or "/everloop/dev/" in name] == []
