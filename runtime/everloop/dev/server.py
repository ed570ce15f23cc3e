"""`everloop dev` as a whole: one port, the function, the terminal, reload, and an orderly end."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from watchfiles import Change

from everloop.dev.banner import banner, facts
from everloop.dev.composition import compose
from everloop.dev.config import FunctionConfig
from everloop.dev.console import Console
from everloop.dev.console.problems import why_it_did_not_start
from everloop.dev.console.report import duration
from everloop.dev.function import Function
from everloop.dev.gateway import Gateway, environment_for
from everloop.dev.inspector import PREFIX, Inspector
from everloop.dev.journal import Journal
from everloop.dev.listening import CannotListen, base_url, listen
from everloop.dev.plan import MODE, Plan
from everloop.dev.reload import SourceFilter, changes
from everloop.dev.stop_signals import stop_signals
from everloop.dev.web_server import web_server

TICK = 0.2
"""Seconds between two looks at what goes on."""


def run(plan: Plan) -> int:
    """Serve until SIGINT or SIGTERM; give the exit code: 0 then, 1 where it could not start."""
    try:
        listener = listen(plan.host, plan.port)
    except CannotListen as error:
        sys.stderr.write(f"everloop: {error}\n")
        return 1
    with contextlib.closing(listener), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(Development(plan, listener).serve())


class Development:
    """One run of `everloop dev`."""

    def __init__(self, plan: Plan, listener: socket.socket) -> None:
        self._plan = plan
        self._listener = listener
        self._url = base_url(plan.host, listener)
        self._console = Console.on_output(several=plan.function.environments > 1)
        self._journal = Journal()
        self._function = Function(self._configured(plan.function), self._journal, self._console.logged)
        gateway = replace(plan.gateway, inspector=f"{PREFIX}/")
        self._gateway = Gateway(self._function, gateway, self._journal)
        self._stopping = asyncio.Event()
        self._starts = 0
        self._readiness: asyncio.Task[bool] | None = None

    async def serve(self) -> int:
        """Serve until a signal comes."""
        loop = asyncio.get_running_loop()
        for number in stop_signals():
            loop.add_signal_handler(number, self._stop)
        await self._function.start()  # its process starts while the server is put together
        self._console.follow(self._journal)
        server = self._server()
        serving = loop.create_task(server.serve(sockets=[self._listener]))
        serving.add_done_callback(lambda _: self._stopping.set())
        self._console.line(banner(self._plan, self._url, self._console.style))
        others: list[asyncio.Task[Any]] = [loop.create_task(self._tick())]
        if self._plan.reload:
            others.extend(loop.create_task(task) for task in self._watches())
        try:
            if not await self._is_ready() and not self._plan.reload:
                return 1  # nobody would mend it
            await self._stopping.wait()
        finally:
            self._stopping.set()
            server.should_exit = True
            if self._readiness is not None:
                others.append(self._readiness)
            for task in others:
                task.cancel()
            await self._function.close()
            await asyncio.gather(*others, return_exceptions=True)
            await serving
        self._console.line("Stopped.")
        return 0

    def _stop(self) -> None:
        """End in order at the first signal, at once at the second."""
        if self._stopping.is_set():
            self._function.kill()
            os._exit(1)
        self._stopping.set()

    def _configured(self, function: FunctionConfig) -> FunctionConfig:
        """Let the function find this server where it looks for AWS's."""
        own = function.environ
        return replace(
            function, environ={**own, **environment_for(self._url, self._plan.gateway, {**os.environ, **own})}
        )

    def _server(self) -> uvicorn.Server:
        inspector = Inspector(
            function=self._function,
            journal=self._journal,
            facts=facts(self._plan),
            environ=lambda: {**os.environ, **self._function.config.environ},
            stopping=self._stopping,
        )
        app = compose(inspector, self._function.config, self._gateway, self._plan.allowed)
        return web_server(app)

    async def _is_ready(self) -> bool:
        """Wait for the first environment, or the end; tell how it went, unless there is a newer start."""
        self._starts = start = self._starts + 1
        ready = asyncio.ensure_future(self._function.ready())
        stopped = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait((ready, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not ready.done() or start != self._starts:
            ready.cancel()
            return True
        failure = ready.result()
        if failure is None:
            seconds = next((one.init_seconds for one in self._function.environments if one.init_seconds), None)
            self._console.line(self._console.style(f"Ready: initialised in {duration(seconds)}.", "green"))
            return True
        self._console.problem(why_it_did_not_start(self._plan.function.handler, failure))
        if self._plan.reload:
            self._console.line("Waiting for a change that mends it; requests are answered with the error until then.")
        return False

    def _watches(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Give what watches the code, and each folder elsewhere that a file of variables came from."""
        root = self._plan.function.task_root
        files = frozenset(map(str, self._plan.env_files))
        sources = SourceFilter(root, self._plan.patterns)
        yield self._watch(root, lambda change, path: path in files or sources(change, path))
        for folder in {file.parent for file in self._plan.env_files if not file.is_relative_to(root)}:
            yield self._watch(folder, lambda _, path: path in files, below=False)

    async def _watch(self, folder: Path, wanted: Callable[[Change, str], bool], *, below: bool = True) -> None:
        try:
            async for names in changes(folder, wanted, self._stopping, below=below):
                if names:
                    await self._reload(names)
                else:
                    self._console.line(self._console.style(f"Watching {folder} for changes.", "dim"))
        except OSError as error:
            # As with too few inotify watches: all else works.
            self._console.problem(f"Changes below {folder} are not noticed: {error}")

    async def _reload(self, names: list[str]) -> None:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        self._console.line(self._console.style(f"Changed: {', '.join(names[:3])}{more}. Starting anew.", "cyan"))
        async with self._gateway.restart():
            try:
                function = self._configured(self._plan.reread())
            except (ValueError, OSError) as error:
                self._console.problem(f"{error}. What was read before stays.")
                function = self._function.config
            if function.streaming != self._function.config.streaming:
                self._console.problem(f"{MODE} has changed: that takes effect when everloop dev is started again.")
                function = self._function.config
            await self._function.reload(function)
        # Not waited for: the next save may mend what hangs.
        self._readiness = asyncio.create_task(self._is_ready())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._console.tick()
