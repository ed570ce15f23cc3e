"""A slot: one connection, and one invocation at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

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
    """Polls for invocations, each with the right to answer it.

    A poll has no timeout and is never given up: Lambda may already have put an event on the wire, and the environment
    may be frozen inside it for hours.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], encoder: RequestEncoder) -> None:
        self._connect = connect
        self._encoder = encoder
        self._connection: Connection | None = None
        self._poll: asyncio.Future[ApiAnswer] | None = None

    @property
    def idle(self) -> bool:
        """True while a poll waits for an event."""
        return self._poll is not None and not self._poll.done()

    async def next_invocation(self) -> tuple[Invocation, Reply]:
        """Wait for an event.

        Raises `RuntimeApiError` when the Runtime API forbids the poll (403) or five tries have failed.
        """
        failures = 0
        while True:
            try:
                answer = await self._ask()
                if answer.status == 200:
                    return self._accept(answer)
                error: RuntimeApiError = RuntimeApiRefused("GET /runtime/invocation/next", answer.status, answer.body)
                if answer.status == 403:
                    # Lambda and we disagree on whose turn it is: only a new process gets them together again.
                    raise error
            except RuntimeApiUnreachable as unreachable:
                error = unreachable
            except _KeptAliveEnded:
                continue
            failures += 1
            if failures == POLL_TRIES:
                raise error
            wait = FIRST_WAIT * 2 ** (failures - 1)
            logger.warning("Polling failed (%d of %d), next try in %.1f s: %s", failures, POLL_TRIES, wait, error)
            await asyncio.sleep(wait)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    async def _ask(self) -> ApiAnswer:
        connection = self._connection
        if connection is None or connection.closed:
            self._connection = None
            try:
                connection = await self._connect()
            except OSError as error:
                raise RuntimeApiUnreachable(f"The Runtime API cannot be connected to: {error}") from error
            self._connection = connection
        self._poll = asyncio.get_running_loop().create_future()
        connection.listener = None
        connection.ask(self, (self._encoder.next,))
        return await self._poll

    def _accept(self, answer: ApiAnswer) -> tuple[Invocation, Reply]:
        assert self._connection is not None  # noqa: S101 - the answer came over it
        try:
            invocation = Invocation.from_headers(answer.headers, answer.body)
        except KeyError as error:
            raise RuntimeApiUnreachable(
                f"The Runtime API sent an event without {error.args[0].decode()}: {refusal(answer.body)}"
            ) from error
        return invocation, Reply(self._connection, self._encoder, invocation)

    # What the connection tells of the poll.

    def answered(self, answer: ApiAnswer) -> None:
        """Hand the answer to the poll."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(answer)

    def lost(self, error: Exception) -> None:
        """End the poll. A connection that had served before was merely kept alive for too long."""
        if self._poll is None or self._poll.done():
            return
        if self._connection is not None and self._connection.served:
            self._poll.set_exception(_KeptAliveEnded())
        else:
            unreachable = RuntimeApiUnreachable(f"The Runtime API ended the connection without an answer: {error}")
            unreachable.__cause__ = error
            self._poll.set_exception(unreachable)


class _KeptAliveEnded(Exception):  # noqa: N818 - not an error: the connection is replaced
    """A connection ended between two answers."""
