"""The fixtures of the integration tests; everything here runs only when it is asked for by `-m soak`."""

from collections.abc import Iterator

import pytest

from support.environment import Launcher


@pytest.fixture
def launch() -> Iterator[Launcher]:
    """Starts runtimes; at the end, whatever they sent that was not HTTP fails the test."""
    launcher = Launcher()
    try:
        yield launcher
    finally:
        faults = launcher.close()
    assert faults == []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave these out of a run that does not name their marker."""
    if "soak" not in str(config.getoption("-m")):
        skip = pytest.mark.skip(reason="takes minutes: pytest -m soak tests/soak")
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(skip)
