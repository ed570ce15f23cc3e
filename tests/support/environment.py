"""An execution environment as Lambda has them: a Runtime API and the process that talks to it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from support.process import APPS, BOOTSTRAP, RuntimeProcess, runtime_environment
from support.scripted_api import ScriptedRuntimeApi

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from support.exchange import Exchange


@dataclass(frozen=True)
class Environment:
    """One runtime process and its Runtime API."""

    api: ScriptedRuntimeApi
    process: RuntimeProcess

    def invoke(self, event: Any, **how: Any) -> Exchange:
        """Give an event to the next poll; see `ScriptedRuntimeApi.invoke`."""
        return self.api.invoke(event, **how)

    def answers(self, event: Any) -> Any:
        """Invoke and give the JSON of the buffered response."""
        return self.invoke(event).response()


class Launcher:
    """Starts `bootstrap HANDLER` as often as asked; everything that it started ends with it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._apis: list[ScriptedRuntimeApi] = []
        self._processes: list[RuntimeProcess] = []
        self._shared: dict[object, Environment] = {}

    def __call__(
        self,
        handler: str | None,
        env: Mapping[str, str | None] | None = None,
        *,
        api: ScriptedRuntimeApi | None = None,
        command: Sequence[str] | None = None,
        task_root: Path = APPS,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Environment:
        """Start a runtime; `env` changes its environment (None removes), `command` replaces `bootstrap HANDLER`."""
        if api is None:
            api = self._stack.enter_context(ScriptedRuntimeApi())
        self._apis.append(api)
        wanted = {**runtime_environment(task_root), "AWS_LAMBDA_RUNTIME_API": api.address, **(env or {})}
        settings = {name: value for name, value in wanted.items() if value is not None}
        arguments = command or [str(BOOTSTRAP), *([handler] if handler is not None else [])]
        process = RuntimeProcess(arguments, env=settings, cwd=cwd or task_root, pass_fds=pass_fds)
        self._processes.append(process)
        self._stack.callback(process.end)
        return Environment(api, process)

    def shared(self, handler: str, env: Mapping[str, str] | None = None) -> Environment:
        """The runtime that was started in this way before, where it still runs, else a new one.

        For laws that leave a runtime as they found it: the next test then proves that they do.
        """
        key = (handler, *sorted((env or {}).items()))
        found = self._shared.get(key)
        if found is None or not found.process.running():
            found = self._shared[key] = self(handler, env)
        return found

    def close(self) -> list[str]:
        """End everything; gives what the processes sent that was not HTTP, or not asked of a Runtime API."""
        self._stack.close()
        for process in self._processes:  # pytest shows it when the test has failed
            print(f"Log of process {process.pid}:\n{process.log}")
        return [fault for api in self._apis for fault in api.faults]
