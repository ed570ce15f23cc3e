"""Fixtures of the tests that run the command `everloop`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.dev_server import DevServers
from support.gates import Gates


@pytest.fixture
def serve() -> Iterator[DevServers]:
    """`serve("main:app", "--mode", "streaming")` is a running `everloop dev`."""
    servers = DevServers()
    try:
        yield servers
    finally:
        servers.close()


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    """Gates for applications that wait until the test lets them go on; give `gates.env` to the command."""
    folder = tmp_path / "gates"
    folder.mkdir()
    return Gates(folder)
