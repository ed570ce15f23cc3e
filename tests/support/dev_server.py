"""`everloop dev` as a child process: what a user starts in a terminal."""

from __future__ import annotations

import re
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from support.process import APPS, RuntimeProcess, runtime_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 40.0
"""Seconds to wait for what should take one."""

UNHURRIED = ("--init-timeout", "60")
"""On a busy machine a start may take longer than Lambda's ten seconds."""

COMMAND = (sys.executable, "-m", "everloop.dev")


class DevServer:
    """One run of the command, and a client for what it serves."""

    def __init__(self, process: RuntimeProcess) -> None:
        self.process = process
        banner = process.wait_for_log(r"^  browse  ", PATIENCE)
        found = re.search(r"(http://\S+?):(\d+)(\S*)", banner.text)
        assert found is not None, banner.text
        self.port = int(found[2])
        self.origin = f"{found[1]}:{self.port}"
        self.browse = f"{self.origin}{found[3]}"
        self.client = httpx.Client(base_url=self.origin, timeout=PATIENCE, trust_env=False)

    @property
    def inspector(self) -> str:
        """The address of the inspector page."""
        return f"{self.origin}/_everloop/"

    def get(self, path: str, accept: str = "*/*") -> httpx.Response:
        """Send a request, as a client that takes `accept`."""
        return self.client.get(path, headers={"accept": accept})

    def wait_until_ready(self) -> None:
        """Wait until the first environment has started."""
        self.process.wait_for_log(r"^Ready: ", PATIENCE)

    def interrupt(self) -> int:
        """Press Ctrl-C; give the exit code."""
        self.process.signal(signal.SIGINT)
        return self.process.exit_code(PATIENCE)

    def close(self) -> None:
        """End it, whatever has become of it."""
        self.client.close()
        self.process.end()


class DevServers:
    """Starts servers; what it has started ends with it."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def start(
        self, *arguments: str, env: Mapping[str, str] | None = None, root: Path = APPS, port: int = 0
    ) -> RuntimeProcess:
        """Start `everloop dev` in a folder, without waiting for anything."""
        environ = {**runtime_environment(root), **(env or {})}
        process = RuntimeProcess([*COMMAND, "dev", *UNHURRIED, *arguments, "--port", str(port)], env=environ, cwd=root)
        self._stack.callback(process.end)
        return process

    def __call__(
        self, *arguments: str, env: Mapping[str, str] | None = None, root: Path = APPS, ready: bool = True
    ) -> DevServer:
        """Start `everloop dev` on a free port and wait until it listens, and, if asked, until it is ready."""
        process = self.start(*arguments, env=env, root=root)
        server = DevServer(process)
        self._stack.callback(server.close)
        if ready:
            server.wait_until_ready()
        return server

    def close(self) -> None:
        """End everything."""
        self._stack.close()
