"""Fixtures of the tests that run the real `bootstrap` as a child process."""

from collections.abc import Iterator

import pytest

from support.environment import Launcher
from support.scripted_api import ScriptedRuntimeApi


@pytest.fixture
def launch() -> Iterator[Launcher]:
    """Starts runtimes; at the end, whatever they sent that was not HTTP fails the test."""
    launcher = Launcher()
    try:
        yield launcher
    finally:
        faults = launcher.close()
    assert faults == []


@pytest.fixture
def api() -> Iterator[ScriptedRuntimeApi]:
    """A Runtime API of its own, for tests that script it before the runtime starts."""
    with ScriptedRuntimeApi() as scripted:
        yield scripted
