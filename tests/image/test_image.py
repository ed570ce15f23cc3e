"""What is in the image, and what is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import everloop
from container import layers, sbom

if TYPE_CHECKING:
    from support.containers import Starter

SBOM = "/usr/share/everloop/sbom.cdx.json"
NEVER_WRITABLE: dict[str, Any] = {"read_only": True, "tmpfs": {"/tmp": ""}, "cap_drop": ["ALL"], "user": "993:990"}  # noqa: S108

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


def test_it_adds_little_to_its_base(
    engine: Any, python_image: str, everloop_image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lambda loads images by the block, and developers push them whole."""
    base, ours = (engine.images.get(name).attrs["Size"] for name in (python_image, everloop_image))
    below = len(engine.images.get(python_image).history())
    history = engine.images.get(everloop_image).history()
    rows = [layers.Layer(row["CreatedBy"], row["Size"]) for row in reversed(history[: len(history) - below])]
    with capsys.disabled():
        print(f"\n{layers.table(rows)}")
    assert sum(row.size for row in rows) == ours - base
    assert 0 < ours - base < layers.PROMISED


def test_labels_name_it_and_allow_snapshots(engine: Any, python_image: str, everloop_image: str) -> None:
    """Lambda asks for its own label, registries show those of the Open Container Initiative."""
    labels = engine.images.get(everloop_image).labels
    assert labels["org.opencontainers.image.title"] == "everloop"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.version"] == everloop.__version__
    assert labels["org.opencontainers.image.base.name"] == python_image
    assert labels["com.amazonaws.lambda.feature.snapstart"] == "Allow"


@pytest.mark.parametrize(
    ("target", "there"),
    [("everloop_image", {"uvloop", "awslambdaric"}), ("dev_image", {"uvloop", "uvicorn", "watchfiles"})],
)
def test_the_bill_of_materials_lists_what_is_there(
    request: pytest.FixtureRequest, start: Starter, target: str, there: set[str]
) -> None:
    """It is CycloneDX by its schema, and names every package that pip finds, with its version."""
    image = request.getfixturevalue(target)
    text = run(start, image, "cat", SBOM, **NEVER_WRITABLE)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    found = {part["name"]: part.get("version") for part in bill["components"]}
    installed = json.loads(run(start, image, "python3", "-m", "pip", "list", "--format", "json").splitlines()[0])
    versions = {sbom.normalise(one["name"]): one["version"] for one in installed if one["name"] != "pip"}
    assert versions.pop("everloop") == bill["metadata"]["component"]["version"] == everloop.__version__
    assert found.keys() - versions.keys() == {"aws-lambda-rie"}
    assert {name: found[name] for name in versions} == versions
    assert there <= found.keys()
    (emulator,) = (part for part in bill["components"] if part["name"] == "aws-lambda-rie")
    digest = run(start, image, "sha256sum", "/usr/local/bin/aws-lambda-rie").split()[0]
    assert emulator["hashes"] == [{"alg": "SHA-256", "content": digest}]


def test_code_of_a_user_is_compiled_by_one_line(start: Starter, everloop_image: str) -> None:
    """The bytecode does not ask for its source's time, which an image's layers may change."""
    script = """
        echo 'x = 1' > main.py
        python3 -m everloop.compile
        python3 -c 'import pathlib; print(next(pathlib.Path("__pycache__").glob("main.*")).read_bytes()[4])'
        echo 'x = ' > broken.py
        python3 -m everloop.compile || echo "exit $?"
        python3 -m everloop.compile nowhere || echo "exit $?"
    """
    log = run(start, everloop_image, "sh", "-euc", script)
    assert log.startswith(f"{UNCHECKED_HASH}\n")
    assert "broken.py" in log
    assert "exit 1" in log
    assert "found nowhere" in log
    assert "exit 2" in log


def test_libraries_are_stripped_and_load(start: Starter, everloop_image: str) -> None:
    """Debug information is most of what uvloop's wheel weighs; without it the loop runs as before."""
    program = "import asyncio, pathlib, uvloop, uvloop.loop; print(pathlib.Path(uvloop.loop.__file__).stat().st_size)"
    program += "; print(uvloop.run(asyncio.sleep(0, 'ran')))"
    size, ran = run(start, everloop_image, "python3", "-c", program, **NEVER_WRITABLE).split()
    assert int(size) < 3_000_000
    assert ran == "ran"


def test_user_s_pip_sees_what_is_installed(start: Starter, everloop_image: str) -> None:
    """`pip install -r requirements.txt` works in the same interpreter and does not fetch twice what is there."""
    output = run(start, everloop_image, "python3", "-m", "pip", "install", "--no-index", "orjson", "everloop")
    assert output.count("Requirement already satisfied") >= 2
