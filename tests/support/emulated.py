"""The emulated function on a loop in a thread of its own, for tests that wait; and a runtime made of raw requests."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

import uvloop

from everloop.dev.calls import Call, CallFailed, ResponseBegun
from everloop.dev.config import FunctionConfig
from everloop.dev.function import Function
from everloop.dev.journal import Journal, LogLine, Record
from support.process import APPS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from everloop.dev.environments import Environment
    from everloop.dev.executions import Work

T = TypeVar("T")

NOTHING = ("sleep", "3600")
"""A command that never speaks to its Runtime API: the test does."""
PATIENCE = 30.0
"""Seconds after which a test gives up waiting."""


class Emulated:
    """A `Function`; `config` is of `FunctionConfig`. Everything blocks with a limit."""

    def __init__(self, handler: str = "", *, loop: str = "uvloop", start: bool = True, **config: Any) -> None:
        config.setdefault("task_root", APPS)
        self.config = FunctionConfig(handler=handler, **config)
        self.journal = Journal()
        self.lines: list[tuple[LogLine, Record | None]] = []
        self._loop = uvloop.new_event_loop() if loop == "uvloop" else asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.function = Function(self.config, self.journal, lambda line, record: self.lines.append((line, record)))
        self._start = start

    def __enter__(self) -> Self:
        self._thread.start()
        if self._start:
            self.run(self.function.start())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.function.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()
        print("\n".join(line.text for line, _ in self.lines))  # pytest shows it when the test has failed

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run something on the function's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def call(self, event: Any = None, **how: Any) -> Called:
        """Call the function; bytes are the event as they are, anything else is made JSON."""
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        return Called(self, self.run(self.function.call(Call(payload=payload, **how))))

    def invoke(self, event: Any = None, **how: Any) -> Any:
        """Call it and give the JSON of what it returned."""
        return json.loads(self.call(event, **how).payload())

    def ready(self) -> CallFailed | None:
        return self.run(self.function.ready())

    @property
    def environment(self) -> Environment:
        """The one environment."""
        [environment] = self.function.environments
        return environment

    def runtime(self, timeout: float = PATIENCE) -> RawRuntime:
        """Connect to the environment's Runtime API as its runtime would."""
        self.until(lambda: bool(self.function.environments and self.environment.address and self.environment.pid))
        return RawRuntime(self.environment.address, timeout)

    def until(self, met: Callable[[], bool], what: str = "it") -> None:
        """Wait until something is true."""
        deadline = time.monotonic() + PATIENCE
        while not met():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come about. Log:\n{self.log}")
            time.sleep(0.005)

    @property
    def log(self) -> str:
        return "\n".join(line.text for line, _ in self.lines)


@dataclass(frozen=True)
class Called:
    """A call on its way."""

    emulated: Emulated
    execution: Work

    @property
    def record(self) -> Record:
        return self.execution.record

    def payload(self) -> bytes:
        return self.emulated.run(self.execution.payload())

    def begun(self) -> ResponseBegun:
        return self.emulated.run(self.execution.begun())

    def pieces(self) -> Iterator[bytes]:
        """The body's pieces, each asked for when it is wanted."""
        body = self.execution.body()

        async def following() -> bytes | None:
            return await anext(body, None)

        while (piece := self.emulated.run(following())) is not None:
            yield piece

    def failure(self) -> CallFailed:
        """Wait for the failure of a call that must fail."""
        try:
            payload = self.payload()
        except CallFailed as failed:
            return failed
        raise AssertionError(f"it did not fail: {payload!r}")

    def abandon(self) -> None:
        async def leave() -> None:
            self.execution.abandon()

        self.emulated.run(leave())

    def finished(self) -> Record:
        self.emulated.run(self.execution.finished())
        return self.record


@dataclass(frozen=True)
class Answer:
    """An answer of the Runtime API. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error_type(self) -> Any:
        return json.loads(self.body)["errorType"]


class RawRuntime:
    """One connection to a Runtime API; what is written on it is up to the test."""

    def __init__(self, address: str, timeout: float = PATIENCE) -> None:
        host, _, port = address.partition(":")
        self.socket = socket.create_connection((host, int(port)), timeout)
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        """Encode a request; `_` in the names of headers stands for `-`."""
        lines = [f"{method} {path} HTTP/1.1", "Host: api"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send a request and wait for its answer."""
        self.send(self.request(method, path, body, **headers))
        return self.answer()

    def answer(self) -> Answer:
        """Wait for the next answer."""
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            self._receive()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Answer(int(first.split()[1]), headers, body)

    def _receive(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(f"the Runtime API closed the connection; unread: {self._buffer!r}")
        self._buffer += data

    # What a runtime usually says.

    def next(self) -> Answer:
        return self.ask("GET", "/2018-06-01/runtime/invocation/next")

    def send_next(self) -> None:
        self.send(self.request("GET", "/2018-06-01/runtime/invocation/next"))

    def respond(self, event: Answer, body: bytes = b"null", **headers: str) -> Answer:
        return self.ask("POST", response_path(event), body, **headers)


def response_path(event: Answer, action: str = "response") -> str:
    return f"/2018-06-01/runtime/invocation/{event.headers['lambda-runtime-aws-request-id']}/{action}"
