"""Fixtures of the tests that run the real `bootstrap` as a child process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.environment import Environment, Launcher
from support.gates import Gates
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


@pytest.fixture(scope="module")
def launcher_of_module() -> Iterator[Launcher]:
    """What `shared` starts runtimes with."""
    launcher = Launcher()
    try:
        yield launcher
    finally:
        faults = launcher.close()
    assert faults == []


@pytest.fixture
def shared(launcher_of_module: Launcher) -> Callable[..., Environment]:
    """`shared(handler, env)` is a runtime that the tests of a module share; see `Launcher.shared`."""
    return launcher_of_module.shared


@pytest.fixture
def api() -> Iterator[ScriptedRuntimeApi]:
    """A Runtime API of its own, for tests that script it before the runtime starts."""
    with ScriptedRuntimeApi() as scripted:
        yield scripted


@pytest.fixture
def gates(tmp_path: Path) -> Gates:
    """Gates for applications that wait until the test lets them go on; give `gates.env` to the runtime."""
    folder = tmp_path / "gates"
    folder.mkdir()
    return Gates(folder)


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> dict[str, str]:
    """The setting that chooses the event loop, for laws that must hold on both."""
    return {"EVERLOOP_LOOP": request.param}
