"""What is in the image, and what is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from support.containers import Starter

ADDED_AT_MOST = 60 * 1024 * 1024
"""Bytes that everloop may add to its base: packages, emulator, the standard library's bytecode."""

# Prints, for every module that the process has loaded once everloop is there: its file, and the flags of its bytecode.
LIST_BYTECODE = """
import everloop.__main__, uvloop, httptools, orjson, json, pathlib, sys
flags = {}
for module in list(sys.modules.values()):
    spec = getattr(module, "__spec__", None)
    if spec is not None and spec.cached and spec.origin != "frozen":
        path = pathlib.Path(spec.cached)
        flags[spec.origin] = int.from_bytes(path.read_bytes()[4:8], "little") if path.exists() else None
print(json.dumps(flags))
"""
UNCHECKED_HASH = 0b01

COMPILERS = "for name in cc gcc g++ clang ld make; do command -v $name || true; done"


def run(start: Starter, image: str, *command: str, **options: Any) -> str:
    """Run a program in the image and return what it printed."""
    container = start(image, list(command[1:]), entrypoint=command[0], **options)
    assert container.exit_code() == 0, container.log
    return container.log


def test_everything_that_is_loaded_has_bytecode(start: Starter, everloop_image: str) -> None:
    """On Lambda's read-only disk, a module without bytecode is compiled anew at every cold start."""
    flags = json.loads(run(start, everloop_image, "python3", "-c", LIST_BYTECODE, read_only=True))
    assert [path for path, flag in flags.items() if flag is None] == []
    ours = {path: flag for path, flag in flags.items() if "/everloop/" in path or "/uvloop/" in path}
    assert ours
    assert set(ours.values()) == {UNCHECKED_HASH}


def test_everything_that_is_added_is_readable_by_anyone(start: Starter, everloop_image: str) -> None:
    """Lambda runs the image as a user that owns none of it."""
    script = """
        site=$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
        find "$site" /var/task /var/runtime /lambda-entrypoint.sh ! -perm -o=r
        find "$site" /var/task /var/runtime -type d ! -perm -o=x
        find /var/runtime/bootstrap /lambda-entrypoint.sh /usr/local/bin/aws-lambda-rie ! -perm -o=x
    """
    assert run(start, everloop_image, "sh", "-euc", script) == ""


def test_nothing_that_only_building_needs_is_left(start: Starter, python_image: str, everloop_image: str) -> None:
    """No compiler, no cache, no build backend, no sources, no tests."""
    assert run(start, everloop_image, "sh", "-c", COMPILERS) == run(start, python_image, "sh", "-c", COMPILERS)
    script = """
        site=$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
        ls -d "$HOME"/.cache /src /rootfs "$site"/hatchling "$site"/samcli 2>/dev/null || true
        find "$site" -type d -name tests
    """
    assert run(start, everloop_image, "sh", "-uc", script) == ""


def test_it_adds_little_to_its_base(engine: Any, python_image: str, everloop_image: str) -> None:
    """Lambda loads images by the block, and developers push them whole."""
    base, ours = (engine.images.get(name).attrs["Size"] for name in (python_image, everloop_image))
    assert 0 < ours - base < ADDED_AT_MOST


def test_labels_name_it(engine: Any, everloop_image: str) -> None:
    """The labels are those of the Open Container Initiative; the one that allows snapshots is not among them."""
    labels = engine.images.get(everloop_image).labels
    assert labels["org.opencontainers.image.title"] == "everloop"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert "com.amazonaws.lambda.feature.snapstart" not in labels


def test_user_s_pip_sees_what_is_installed(start: Starter, everloop_image: str) -> None:
    """`pip install -r requirements.txt` works in the same interpreter and does not fetch twice what is there."""
    output = run(start, everloop_image, "python3", "-m", "pip", "install", "--no-index", "orjson", "everloop")
    assert output.count("Requirement already satisfied") >= 2
