"""Calls that come from the page: an event sent again, or one that was edited."""

import asyncio
import contextlib

from everloop.dev.calls import Call, CallFailed, Execution, Lambda
from everloop.dev.inspector.answer import read


class Sender:
    """Calls the function and reads what it answers: into the journal, where the page sees it."""

    def __init__(self, function: Lambda) -> None:
        self._function = function
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, payload: bytes, *, streaming: bool, label: str) -> int:
        """Call the function; give the number of the call's record as soon as there is one."""
        call = Call(payload=payload, streaming=streaming, source="inspector", label=label)
        execution = await self._function.call(call)
        task = asyncio.create_task(_read(execution))
        self._tasks.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(self._tasks.discard)
        return execution.record.number


async def _read(execution: Execution) -> None:
    """Take the answer as a client would; how a call failed is in its record."""
    with contextlib.suppress(CallFailed):
        begun = await execution.begun()
        async for piece in execution.body():
            execution.record.went(len(piece))
        # No front end is between: the status is what the function said.
        execution.record.status = read(bytes(execution.record.response), begun.content_type).status
