"""Fixtures of the tests that look through a browser: one Chromium for all of them, a page for each."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.chromium import PROGRAM, REQUIRED, Chromium, Page
from support.dev_server import DevServer, DevServers
from support.gates import Gates


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The browser; where there is none the test is skipped, except in CI."""
    if PROGRAM is None and not os.environ.get(REQUIRED):
        pytest.skip("chromium is not installed: apt-get install chromium")
    browser = Chromium()
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    """A page; what it calls an error fails the test."""
    opened = chromium.page()
    yield opened
    errors = opened.errors()
    opened.close()
    assert errors == []


@pytest.fixture(scope="session")
def gates(tmp_path_factory: pytest.TempPathFactory) -> Gates:
    """The gates of the one server: each test opens its own."""
    return Gates(tmp_path_factory.mktemp("gates"))


@pytest.fixture(scope="session")
def server(gates: Gates) -> Iterator[DevServer]:
    """One `everloop dev` of the browser application, streaming, for all tests.

    One environment: with the handshakes of WebSockets in memory, another one would not know them.
    """
    servers = DevServers()
    try:
        yield servers("browser_app:app", "--mode", "streaming", env=gates.env)
    finally:
        servers.close()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures are left: in TEST_EVERLOOP_PICTURES, if it is set, for a person to look at."""
    wanted = os.environ.get("TEST_EVERLOOP_PICTURES")
    if wanted is None:
        return tmp_path_factory.mktemp("pictures")
    Path(wanted).mkdir(parents=True, exist_ok=True)
    return Path(wanted)
