"""What builds the image: stripping libraries, the bill of materials, the table of layers, `everloop.compile`."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
import uvloop.loop
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import example, given
from hypothesis import strategies as st

from container import layers, sbom
from container.strip_elf import UnknownLayout, strip
from everloop import compile as compiling

LIBRARY = Path(uvloop.loop.__file__)
UNCHECKED_HASH = 0b01


def test_a_stripped_library_is_smaller_and_loads(tmp_path: Path) -> None:
    """uvloop without its debug information runs a loop."""
    original = LIBRARY.read_bytes()
    stripped = strip(original)
    assert len(stripped) < len(original) / 4
    (tmp_path / LIBRARY.name).write_bytes(stripped)
    program = f"""
import importlib.util
spec = importlib.util.spec_from_file_location("uvloop.loop", {str(tmp_path / LIBRARY.name)!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
loop = module.Loop()
print(loop.run_until_complete(loop.run_in_executor(None, len, "ran")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["3"]


def test_stripping_twice_changes_nothing() -> None:
    """A base whose packages are stripped already is left as it is."""
    once = strip(LIBRARY.read_bytes())
    assert strip(once) == once


@given(st.binary(max_size=200) | st.binary(min_size=60, max_size=200).map(lambda rest: b"\x7fELF\x02\x01" + rest))
@example(b"\x7fELF\x02\x01" + bytes(200))
@example(b"\x7fELF\x02\x01" + b"\xff" * 200)
@example(LIBRARY.read_bytes()[:64])
def test_what_is_no_library_is_refused_or_shortened(content: bytes) -> None:
    """Whatever a file ending in .so holds, the build does not crash and nothing is invented."""
    try:
        assert len(strip(content)) <= len(content)
    except UnknownLayout:
        return


def test_the_bill_of_this_environment_is_valid_and_the_same_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CycloneDX by its schema, whatever packages say of their licences."""
    emulator = tmp_path / "aws-lambda-rie"
    emulator.write_bytes(b"emulator")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    installed = list(distributions())
    text = json.dumps(sbom.bill(installed, emulator))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert json.dumps(sbom.bill(installed[::-1], emulator)) == text
    assert json.loads(text)["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"


def test_the_table_of_layers_adds_up() -> None:
    """Layers without content are left out, the sum is below."""
    table = layers.table(
        [layers.Layer("COPY a /", 2_000_000), layers.Layer("ENV x=y", 0), layers.Layer("RUN b", 500_000)]
    )
    assert table.splitlines() == [
        "    2.00 MB  COPY a /",
        "    0.50 MB  RUN b",
        "    2.50 MB  together, beyond the base",
    ]


def test_compile_writes_bytecode_that_does_not_look_at_its_source(tmp_path: Path) -> None:
    """A source with another time, or gone with a layer, changes nothing."""
    module = tmp_path / "package" / "module.py"
    module.parent.mkdir()
    module.write_text("x = 1\n", encoding="utf-8")
    assert compiling.main([str(tmp_path)]) == 0
    cached = Path(importlib.util.cache_from_source(str(module)))
    assert cached.read_bytes()[4] == UNCHECKED_HASH
    os.utime(module, (0, 0))
    assert compiling.main([str(tmp_path)]) == 0


def test_compile_tells_what_does_not_compile(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The build fails, which is better than the first invocation."""
    (tmp_path / "broken.py").write_text("x = \n", encoding="utf-8")
    (tmp_path / "sound.py").write_text("x = 1\n", encoding="utf-8")
    assert compiling.main([str(tmp_path)]) == 1
    output = "".join(capfd.readouterr())
    assert "broken.py" in output
    assert ".dockerignore" in output
    assert Path(importlib.util.cache_from_source(str(tmp_path / "sound.py"))).exists()


def test_compile_refuses_what_is_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt folder is no success."""
    assert compiling.main([str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
