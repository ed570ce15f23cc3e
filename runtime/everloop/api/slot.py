"""A slot: one connection, and one invocation at a time."""

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from everloop.api.connection import Connection
from everloop.api.reply import Reply, refusal
from everloop.errors import RuntimeApiError, RuntimeApiRefused, RuntimeApiUnreachable
from everloop.invocation import Invocation
from everloop.wire.http1 import ApiAnswer
from everloop.wire.runtime_api import RequestEncoder

logger = logging.getLogger("everloop.api")

POLL_TRIES = 5
FIRST_WAIT = 0.1
"""Seconds before the second try; each later wait is twice as long."""


class Slot:
    """Polls for invocations and hands each one on with the right to answer it; polls again when that is released.

    Callbacks instead of a coroutine that waits: an invocation then costs one turn of the loop instead of four. A poll
    has no timeout and is never given up: Lambda may already have put an event on the wire, and the environment may be
    frozen inside it for hours. `on_lost` is called when a poll is forbidden (403) or five tries have failed.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        encoder: RequestEncoder,
        on_invocation: Callable[[Invocation, Reply], None],
        on_lost: Callable[[RuntimeApiError], None],
        make_reply: Callable[..., Reply] = Reply,
    ) -> None:
        self._connect = connect
        self._encoder = encoder
        self._on_invocation = on_invocation
        self._on_lost = on_lost
        self._make_reply = make_reply
        self._loop = asyncio.get_running_loop()
        self._on_release = self.poll
        """Bound once: binding costs as much as calling."""
        self._context = contextvars.copy_context()
        """That of start-up: a connection reads, and starts what comes, in the context that it was made in. Made in an
        invocation's, it would hand the variables of that one on to all that follow."""
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._failures = 0
        self._stopped = False

    def poll(self) -> None:
        """Ask for the next invocation. On the warm path this is one write on the open connection."""
        if self._stopped:
            return
        connection = self._connection
        if connection is not None and not connection.closed:
            connection.listener = None
            connection.ask(self, self._encoder.next)
        else:
            self._connect_for(self._poll_anew())

    @property
    def unread_event(self) -> bool:
        """True when an event waits for the loop to take it. Any thread may ask."""
        return self._connection is not None and self._connection.unread_event

    def stop(self) -> None:
        """Poll no more; an invocation that is being worked on may still be answered."""
        self._stopped = True

    async def close(self) -> None:
        """Close the connection and wait until it has written what it has."""
        self.stop()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._connection is not None:
            self._connection.close()
            await self._connection.wait_closed()

    def _connect_for(self, work: Coroutine[Any, Any, None]) -> None:
        self._connecting = self._loop.create_task(work, name="everloop connecting", context=self._context.copy())

    async def _poll_anew(self) -> None:
        try:
            self._connection = await self._connect()
        except RuntimeApiUnreachable as error:
            self._failed(error)
        else:
            self.poll()

    # What the connection tells of the poll.

    def answered(self, answer: ApiAnswer) -> None:
        """Hand an invocation on."""
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
        connection = self._connection
        if connection is None or connection.closed:
            # The event came with `Connection: close`: it is answered on the next connection.
            self._connect_for(self._hand_on_anew(invocation))
        else:
            # What the application sends while this call lasts may leave together, at its end at the latest: most
            # applications never wait, and are done then.
            connection.corked = True
            self._on_invocation(invocation, self._make_reply(connection, self._encoder, invocation, self._on_release))
            connection.corked = False
            if connection.waiting:
                connection.flush()

    async def _hand_on_anew(self, invocation: Invocation) -> None:
        try:
            self._connection = await self._connect()
        except RuntimeApiUnreachable as error:
            logger.error("Request %s is lost: %s", invocation.request_id, error)
            self._failed(error)
        else:
            self._on_invocation(invocation, self._make_reply(self._connection, self._encoder, invocation, self.poll))

    def lost(self, error: Exception) -> None:
        """Poll again on a new connection. One that had served before was merely kept alive for too long."""
        if self._connection is not None and self._connection.served:
            self.poll()
        else:
            self._failed(RuntimeApiUnreachable(f"The Runtime API ended the connection without an answer: {error}"))

    def _failed(self, error: RuntimeApiError) -> None:
        self._failures += 1
        # 403: Lambda and we disagree on whose turn it is, and only a new process gets us together again.
        forbidden = isinstance(error, RuntimeApiRefused) and error.status == 403
        if forbidden or self._failures == POLL_TRIES:
            self._stopped = True
            self._on_lost(error)
            return
        wait = FIRST_WAIT * 2 ** (self._failures - 1)
        logger.warning("Polling failed (%d of %d), next try in %.1f s: %s", self._failures, POLL_TRIES, wait, error)
        self._loop.call_later(wait, self.poll)
