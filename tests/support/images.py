"""Images that the tests build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import docker.errors
import pytest

from support.containers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

IMAGE_TESTS = ROOT / "tests" / "image"
THREE_LINES = 'FROM {base}\nCOPY . .\nCMD ["main:app"]\n'


def build(engine: Any, tag: str, folder: Path, **options: Any) -> str:
    """Build an image; show Docker's output where that fails."""
    try:
        engine.images.build(path=str(folder), tag=tag, rm=True, **options)
    except docker.errors.BuildError as error:
        output = "".join(part.get("stream", "") for part in error.build_log)
        pytest.fail(f"building {tag} failed: {error}\n{output}")
    return tag
