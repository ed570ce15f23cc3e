"""The conversation with the Runtime API on a blocking socket, for handlers that run while no loop does.

The bytes are those of the loop's connection. What is saved is the loop: starting and stopping it for every invocation
costs more than the whole of a small handler.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from everloop.api.blocking_connection import BlockingConnection
from everloop.api.reply import Reply, refusal
from everloop.api.slot import FIRST_WAIT, POLL_TRIES
from everloop.errors import RuntimeApiError, RuntimeApiRefused, RuntimeApiUnreachable
from everloop.invocation import Invocation
from everloop.wire.http1 import ApiAnswer
from everloop.wire.runtime_api import RequestEncoder

logger = logging.getLogger("everloop.api")


class BlockingSlot:
    """Polls for invocations, one at a time, and waits for them."""

    def __init__(self, host: str, port: int, encoder: RequestEncoder, make_reply: Callable[..., Reply] = Reply) -> None:
        self._address = (host, port)
        self._encoder = encoder
        self._make_reply = make_reply
        self._connection: BlockingConnection | None = None
        self._next: tuple[Invocation, Reply] | None = None
        self._failures = 0
        self._fatal: RuntimeApiError | None = None
        self._wait = 0.0
        self._running: asyncio.AbstractEventLoop | None = None
        self._let_go = False
        self._left: set[asyncio.Task[None]] = set()
        """Tasks that were left to themselves: loops keep weak references only."""
        self.idle = False
        """True while nothing would be lost by an exception: a signal's handler may raise one."""
        self.on_idle: Callable[[], None] = _nothing
        """Called whenever it is about to wait, and may raise: for signals that came while it was not idle."""

    def next_invocation(self) -> tuple[Invocation, Reply]:
        """Send what waits together with a poll and wait for an event. Raises `RuntimeApiError` when polling is futile.

        A poll has no timeout and is never given up: Lambda may already have put an event on the wire.
        """
        while (found := self._next) is None:
            connection = self._connected()
            if connection is not None:
                self._poll(connection)
            if self._fatal is not None:
                raise self._fatal
            if self._wait:
                self._rest(partial(time.sleep, self._wait))
                self._wait = 0.0
        self._next = None
        return found

    def _poll(self, connection: BlockingConnection) -> None:
        """Ask for the next invocation and wait for it, for a refusal, or for the end of the connection."""
        connection.listener = None
        connection.ask(self, self._encoder.next)
        while self._next is None and not (connection.closed or self._wait or self._fatal):
            # Bytes are read when it is not idle: among them may be Lambda's word that it has the last answer.
            self._rest(connection.wait)
            connection.receive()

    def _rest(self, wait: Callable[[], None]) -> None:
        """Be idle. In this order, so that a signal is noticed whenever it comes: by its handler, or by `on_idle`."""
        self.idle = True
        self.on_idle()
        wait()
        self.idle = False

    def run(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> None:
        """Run on the loop what an invocation cannot do without it, until it is done or its reply is released.

        It is told of the connection's end meanwhile. Raises what it raises.
        """
        task = loop.create_task(work)
        connection = self._connection
        if connection is not None and not connection.closed:
            connection.watch(loop)
        self._running, self._let_go = loop, False
        try:
            loop.run_until_complete(task)
        except RuntimeError:
            if task.done() or not self._let_go:
                raise
            self._left.add(task)  # it goes on whenever the loop runs
            task.add_done_callback(self._left.discard)
        finally:
            self._running = None
            if connection is not None:
                connection.unwatch()

    def flush(self) -> None:
        """Send an answer that waits for the next poll: the poll will take its time."""
        if self._connection is not None:
            self._connection.flush()

    def close(self) -> None:
        """Send what waits and end the connection."""
        if self._connection is not None:
            self._connection.close(poll=self)

    def _connected(self) -> BlockingConnection | None:
        if self._connection is None or self._connection.closed:
            try:
                self._connection = BlockingConnection(*self._address)
            except OSError as error:
                self._failed(RuntimeApiUnreachable(f"The Runtime API cannot be connected to: {error}"))
                return None
        return self._connection

    # What the connection tells of the poll.

    def answered(self, answer: ApiAnswer) -> None:
        """Keep an invocation for `next_invocation()`."""
        if answer.status != 200:
            self._failed(RuntimeApiRefused("GET /runtime/invocation/next", answer.status, answer.body))
            return
        try:
            invocation = Invocation(answer.headers, answer.body)
        except KeyError as error:
            name = error.args[0].decode()
            self._failed(RuntimeApiUnreachable(f"The Runtime API sent an event without {name}: {refusal(answer.body)}"))
            return
        self._failures = 0
        connection = self._connected()  # the event may have come with `Connection: close`
        if connection is not None:
            reply = self._make_reply(connection, self._encoder, invocation, self._released)
            self._next = (invocation, reply)

    def lost(self, error: Exception) -> None:
        """Poll again. A connection that had served before was merely kept alive for too long."""
        if self._connection is None or not self._connection.served:
            self._failed(RuntimeApiUnreachable(f"The Runtime API ended the connection without an answer: {error}"))

    def _released(self) -> None:
        """Wait no longer for what the loop runs: it was answered for. Who called `run()` polls next."""
        if self._running is not None:
            self._let_go = True
            self._running.stop()

    def _failed(self, error: RuntimeApiError) -> None:
        self._failures += 1
        # 403: Lambda and we disagree on whose turn it is, and only a new process gets us together again.
        forbidden = isinstance(error, RuntimeApiRefused) and error.status == 403
        if forbidden or self._failures == POLL_TRIES:
            self._fatal = error
            return
        self._wait = FIRST_WAIT * 2 ** (self._failures - 1)
        logger.warning(
            "Polling failed (%d of %d), next try in %.1f s: %s", self._failures, POLL_TRIES, self._wait, error
        )


def _nothing() -> None:
    """Do nothing: nobody asked for more."""
