"""An emulated function behind gateways, each a real web server on a port of its own, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import uvicorn
import uvloop

from everloop.dev.config import FunctionConfig
from everloop.dev.function import Function
from everloop.dev.gateway import Gateway, GatewayConfig, environment_for
from everloop.dev.journal import Journal, LogLine, Record
from support.process import APPS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.types import ASGIApp

PATIENCE = 30.0
"""Seconds after which a test gives up waiting."""


class Gateways:
    """One function and a gateway for each of some configurations; `urls` in their order."""

    def __init__(self, handler: str, *configs: GatewayConfig, **function: Any) -> None:
        self._configs = configs or (GatewayConfig(streaming=function.get("streaming", False)),)
        self._sockets = [socket.create_server(("127.0.0.1", 0)) for _ in self._configs]
        self.urls = [f"http://127.0.0.1:{each.getsockname()[1]}" for each in self._sockets]
        function.setdefault("task_root", APPS)
        config = FunctionConfig(handler=handler, **function)
        leads = environment_for(self.urls[0], self._configs[0], config.environ)
        self.journal = Journal()
        self.lines: list[str] = []
        self.function = Function(replace(config, environ={**config.environ, **leads}), self.journal, self._logged)
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._servers: list[uvicorn.Server] = []
        self._serving: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """The first gateway's."""
        return self.urls[0]

    @property
    def address(self) -> tuple[str, int]:
        """The first gateway's, for a socket."""
        address: tuple[str, int] = self._sockets[0].getsockname()
        return address

    def __enter__(self) -> Self:
        self._thread.start()
        self.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()
        print("\n".join(self.lines))  # pytest shows it when the test has failed

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the gateways' loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def records(self) -> list[Record]:
        return list(self.journal)

    def until(self, met: Callable[[], Any], what: str = "it") -> Any:
        """Wait until something is true, and give it."""
        deadline = time.monotonic() + PATIENCE
        while not (found := met()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come about. Log:\n" + "\n".join(self.lines))
            time.sleep(0.005)
        return found

    async def _start(self) -> None:
        await self.function.start()
        for config, listener in zip(self._configs, self._sockets, strict=True):
            server = _server(Gateway(self.function, config, self.journal))
            self._servers.append(server)
            self._serving.append(asyncio.create_task(server.serve(sockets=[listener])))
        failure = await self.function.ready()
        if failure is not None:
            self.lines.append(str(failure))
        while not all(server.started for server in self._servers):  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)

    async def _stop(self) -> None:
        for server in self._servers:
            server.should_exit = True
        await asyncio.gather(*self._serving)
        await self.function.close()

    def _logged(self, line: LogLine, record: Record | None) -> None:
        self.lines.append(line.text)


def _server(app: ASGIApp) -> uvicorn.Server:
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # what a test breaks off is no news
    return _Server(
        uvicorn.Config(
            app,
            http="httptools",
            ws="websockets-sansio",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None: ...

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve without signal handlers: this is not the main thread."""
        await self._serve(sockets)
