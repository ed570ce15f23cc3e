"""Containers that the tests start, and the events that they send to the emulator inside."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "function_url.json"
DELIMITER = b"\0" * 8
PATIENCE = 20.0
"""Seconds until a container that does not do what is waited for fails the test."""


@dataclass(frozen=True)
class Answer:
    """What the emulator gave to the caller."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """The answer as JSON: an envelope, or an error."""
        return json.loads(self.content)

    def streamed(self) -> tuple[Any, bytes]:
        """The prelude and the body of a streamed answer."""
        prelude, delimiter, body = self.content.partition(DELIMITER)
        assert delimiter, f"the answer was not streamed: {self.content[:200]!r}"
        return json.loads(prelude), body


def function_url_event(path: str, query: str = "", **changes: Any) -> dict[str, Any]:
    """Make a Function URL event out of the examples' one; `changes` are further keys of it."""
    event: dict[str, Any] = json.loads(SAMPLE.read_text(encoding="utf-8"))
    event |= {"rawPath": path, "rawQueryString": query} | changes
    event["requestContext"]["http"]["path"] = path
    return event


def invoke(port: int, event: Mapping[str, Any]) -> Answer:
    """Send an event to the emulator that listens on a port of this machine, waiting until it listens."""
    url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    request = urllib.request.Request(url, data=json.dumps(event).encode())
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return Answer(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())
        except (urllib.error.URLError, ConnectionError, http.client.RemoteDisconnected):
            # Docker's proxy takes connections before the emulator does, and drops them.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Container:
    """A running container, removed at the end of the `with` block that it is used in."""

    def __init__(self, engine: Any, image: str, command: list[str] | None = None, **options: Any) -> None:
        self._container = engine.containers.create(image, command, ports={"8080/tcp": ("127.0.0.1", None)}, **options)

    def __enter__(self) -> Self:
        self._container.start()
        self._container.reload()
        return self

    def __exit__(self, *_: object) -> None:
        self._container.remove(force=True)

    @property
    def log(self) -> str:
        """Everything that the container has written so far."""
        return str(self._container.logs().decode(errors="backslashreplace"))

    @property
    def address(self) -> str:
        """Where this machine reaches the container's port 8080, as `http://127.0.0.1:12345`."""
        return f"http://127.0.0.1:{self._container.ports['8080/tcp'][0]['HostPort']}"

    def invoke(self, path: str = "/", query: str = "", **changes: Any) -> Answer:
        """Send a Function URL event; show the container's log where no answer comes."""
        try:
            port = int(self._container.ports["8080/tcp"][0]["HostPort"])
            return invoke(port, function_url_event(path, query, **changes))
        except (OSError, LookupError) as error:
            raise AssertionError(f"no answer: {error}. The container's log:\n{self.log}") from error

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition; show the container's log where it does not come."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"{what} within {PATIENCE} s. The container's log:\n{self.log}"
            time.sleep(0.05)

    def exit_code(self) -> int:
        """Wait for the end of the container's first process."""
        return int(self._container.wait(timeout=PATIENCE)["StatusCode"])

    def stop(self) -> float:
        """Stop it as `docker stop` does; return how many seconds that took."""
        started = time.monotonic()
        self._container.stop(timeout=int(PATIENCE))
        return time.monotonic() - started


class Starter(Protocol):
    """Starts a container that is removed when the test is over."""

    def __call__(self, image: str, command: list[str] | None = None, **options: Any) -> Container: ...
