"""Lifespan and what lives as long as the process: state, clients, locks, queues."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.environment import Launcher
from support.sample_events import function_url


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """The file in which the applications of apps/lifespans.py record what happens."""
    return tmp_path / "lifespan"


def lines(record: Path) -> list[str]:
    return record.read_text(encoding="utf-8").split("\n")[:-1] if record.exists() else []


def test_lifespan_runs_once_over_a_thousand_invocations(launch: Launcher, record: Path) -> None:
    """Startup once before the first poll, shutdown once at the end, however many invocations lie between."""
    env = launch("lifespans:ok", {"LIFESPAN_FILE": str(record)})
    env.api.wait_for_poll()
    assert lines(record) == ["startup"]
    exchanges = [env.invoke(function_url()) for _ in range(1000)]
    assert {exchange.response()["statusCode"] for exchange in exchanges} == {200}
    assert lines(record) == ["startup"]
    env.process.signal(15)
    assert env.process.exit_code() == 0
    assert lines(record) == ["startup", "lifespan.shutdown"]


def test_poll_waits_for_startup(launch: Launcher) -> None:
    """There is no poll before startup is complete, and by default no time limit for it."""
    env = launch("lifespans:startup_hangs")
    env.process.wait_for_log("startup begins")
    with pytest.raises(TimeoutError):
        env.api.wait_for_poll(timeout=0.5)
    assert env.process.running()


def test_state_is_copied_shallowly_into_requests(launch: Launcher, record: Path) -> None:
    """Requests share the values of the lifespan's state, not the dictionary."""
    env = launch("lifespans:changes_state", {"LIFESPAN_FILE": str(record)})
    for count in (1, 2, 3):
        assert env.answers(function_url())["body"] == f"['shared', 'word'] {count}"


@pytest.mark.parametrize("app", ["raises_before", "returns_before"])
def test_application_without_lifespan_is_served(launch: Launcher, app: str) -> None:
    """An application that raises or returns before its first `receive()` has no lifespan, and is served."""
    assert launch(f"lifespans:{app}").answers(function_url())["body"] == "[]"


def test_lifespan_can_be_turned_off(launch: Launcher, record: Path) -> None:
    """With `EVERLOOP_LIFESPAN=off` the application sees no lifespan; `state` is there and empty."""
    env = launch("lifespans:ok", {"LIFESPAN_FILE": str(record), "EVERLOOP_LIFESPAN": "off"})
    assert env.answers(function_url())["body"] == "[]"
    env.process.signal(15)
    assert env.process.exit_code() == 0
    assert lines(record) == []


def test_failed_shutdown_is_logged(launch: Launcher) -> None:
    """A shutdown that raises is logged with its traceback; the process ends with 0."""
    env = launch("lifespans:shutdown_fails")
    env.answers(function_url())
    env.process.signal(15)
    assert env.process.exit_code() == 0
    assert "shutdown is broken" in env.process.log


class Upstream(http.server.BaseHTTPRequestHandler):
    """A service that the application calls, on kept-alive connections."""

    protocol_version = "HTTP/1.1"
    connections: set[object] = set()  # noqa: RUF012, one class per server, made in the fixture

    def do_GET(self) -> None:
        self.connections.add(self.client_address)
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"upstream")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, the base class's name for it
        """Say nothing."""


@pytest.fixture
def upstream() -> Iterator[tuple[str, set[object]]]:
    """The address of a small web server, and the connections that it has seen."""
    seen: set[object] = set()
    handler = type("Handler", (Upstream,), {"connections": seen})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", seen
        server.shutdown()
        thread.join()


def test_module_level_http_client_keeps_its_connection(
    launch: Launcher, loop: dict[str, str], upstream: tuple[str, set[object]]
) -> None:
    """A client made in the module works from call to call, on one kept-alive connection."""
    address, connections = upstream
    env = launch("shared_loop:app", {**loop, "UPSTREAM": address})
    for _ in range(5):
        assert env.answers(function_url("/client"))["body"] == "upstream"
    assert len(connections) == 1


def test_module_level_lock_and_queue_work_from_call_to_call(launch: Launcher, loop: dict[str, str]) -> None:
    """A lock made in the module, and a queue that a task of the first call fills, serve all later calls."""
    env = launch("shared_loop:app", loop)
    for number in (1, 2, 3):
        assert env.answers(function_url("/lock"))["body"] == "locked"
        assert env.answers(function_url("/queue"))["body"] == f"item {number}"
