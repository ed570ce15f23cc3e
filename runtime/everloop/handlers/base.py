"""What the runtime asks of every kind of handler."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from everloop.api.reply import Reply
from everloop.errors import DeadlineExceeded, EverloopError
from everloop.invocation import Invocation

RunAsync = Callable[[Coroutine[Any, Any, None]], None]
"""Runs a coroutine on the one loop and waits for it."""


class InvocationHandler(Protocol):
    """Answers invocations, several at a time where there are several slots."""

    def handle(self, invocation: Invocation, reply: Reply) -> Coroutine[Any, Any, None]:
        """Answer one invocation in the running task; what is given is awaited, and ends when the slot may poll again.

        Cancelled when the process shuts down. May release the reply earlier and go on. Raises `ApplicationExit`.
        """


class BlockingHandler(Protocol):
    """Answers invocations one after the other in the thread that calls it: the main one, or one of a pool."""

    def handle(self, invocation: Invocation, reply: Reply) -> None:
        """Answer one invocation; return when nothing more is going to happen for it. Raises `ApplicationExit`."""

    def expire(self, invocation: Invocation, reply: Reply, error: DeadlineExceeded) -> None:
        """Answer in the place of a call that is still running when its deadline is there. Called on the loop."""


_shut_down: set[asyncio.Task[None] | None] = set()


def shut_down(task: asyncio.Task[None]) -> None:
    """Cancel the work on an invocation because the process ends."""
    _shut_down.add(task)
    task.cancel()


def is_shut_down(task: asyncio.Task[None] | None) -> bool:
    """Tell a task that is cancelled because the process ends from one that the application cancelled itself."""
    return task in _shut_down


async def done() -> None:
    """Have nothing more to do for an invocation."""


class ApplicationExit(EverloopError):
    """Raised when the application asked for the end of the process with `SystemExit`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def exit_code(error: SystemExit | KeyboardInterrupt) -> int:
    """Give the exit code that the interpreter would give, and 1 where it would end itself by a signal."""
    if isinstance(error, KeyboardInterrupt):
        return 1
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1
