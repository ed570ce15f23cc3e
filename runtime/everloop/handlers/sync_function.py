"""Plain handlers that block: `def handler(event, context)`, and generator functions."""

from collections.abc import AsyncGenerator, AsyncIterable, Generator
from typing import Any

from everloop.api.reply import Reply
from everloop.errors import DeadlineExceeded
from everloop.handlers.answers import fit
from everloop.handlers.base import ApplicationExit, RunAsync
from everloop.handlers.front import Front
from everloop.handlers.function import DATA, RETURNED, AsyncFunction, Function, body_of, failed
from everloop.handlers.pieces import Pieces
from everloop.handlers.results import HandlerFailure, marshal
from everloop.http_stream import HttpStream
from everloop.invocation import Invocation


class SyncFunction:
    """Calls a handler in the thread that it is called in itself, and answers with its result."""

    def __init__(
        self, function: Function, front: Front, *, streaming: bool, deadline_margin: float, run_async: RunAsync
    ) -> None:
        self._function = function
        self._front = front
        self._streaming = streaming
        self._run_async = run_async
        self._async = AsyncFunction(function, front, streaming=streaming, deadline_margin=deadline_margin)

    def handle(self, invocation: Invocation, reply: Reply) -> None:
        """Answer one invocation. Raises `ApplicationExit`."""
        try:
            event = invocation.exact_event
            result = self._function(event, invocation.new_context())
            reply.habit = RETURNED
            if type(result) in DATA:
                fit(reply, *marshal(result))
            elif needs_loop(result):
                # A decorated async function, for one: most decorators are plain functions.
                self._run_async(self._async.conclude(invocation, reply, result))
            elif isinstance(result, Generator | HttpStream):
                self._stream(Pieces(reply, event, self._front, streaming=self._streaming), result)
            else:
                fit(reply, *marshal(result))
        except ApplicationExit:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever the handler raises, the process lives on
            failed(reply, error)

    def expire(self, invocation: Invocation, reply: Reply, error: DeadlineExceeded) -> None:
        """Report a handler that did not return in time."""
        reply.fail(HandlerFailure.of_handler(error))

    def _stream(self, pieces: Pieces, source: Any) -> None:
        """Pass on what a source yields. It is closed in any case: its `finally` blocks free what it holds."""
        if isinstance(source, HttpStream):
            pieces.take(source)
            source = body_of(source)
        try:
            for item in source:
                pieces.take(item)
            pieces.finish()
        finally:
            if isinstance(source, Generator):
                source.close()


def needs_loop(result: Any) -> bool:
    """Tell whether a result is awaited or iterated over on the loop."""
    if isinstance(result, HttpStream):
        return isinstance(result.body, AsyncIterable)
    return hasattr(type(result), "__await__") or isinstance(result, AsyncGenerator)
