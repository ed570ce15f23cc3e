"""The internal extension: only where one is registered does Lambda send SIGTERM before it removes an environment."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from everloop.api.connection import Connection
from everloop.api.one_answer import OneAnswer
from everloop.errors import RuntimeApiError
from everloop.wire import extensions_api

logger = logging.getLogger("everloop.api")

NAME = "everloop"
TIMEOUT = 1.0
"""Seconds that the registration may take. Lambda answers within one millisecond; what does not answer is not Lambda."""


class InternalExtension:
    """Registers once, then keeps one poll open for as long as the process lives."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], host: str) -> None:
        self._connect = connect
        self._host = host
        self._connection: Connection | None = None

    async def register(self) -> bool:
        """Register and park the poll; tell whether that worked. Where it does not, SIGTERM may never come."""
        try:
            async with asyncio.timeout(TIMEOUT):
                self._connection = connection = await self._connect()
                answer = await OneAnswer.to(connection, extensions_api.register(self._host, NAME))
        except (RuntimeApiError, TimeoutError) as error:
            logger.debug("The Extensions API does not answer: %s", str(error) or "no answer in time")
            self.close()
            return False
        identifier = answer.headers.get(extensions_api.IDENTIFIER)
        if answer.status != 200 or identifier is None:
            logger.debug("The Extensions API refused the registration: %s", answer)
            self.close()
            return False
        connection.ask(_NobodyWaits(), extensions_api.next_event(self._host, identifier))
        return True

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()


class _NobodyWaits:
    """An extension without events gets no answer while the environment lives, and none is missed."""

    def answered(self, answer: object) -> None:
        logger.debug("The Extensions API answered the parked poll: %s", answer)

    def lost(self, error: Exception) -> None:
        logger.debug("The Extensions API ended the parked poll: %s", error)
