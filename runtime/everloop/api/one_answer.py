"""A request that somebody awaits."""

import asyncio

from everloop.api.connection import Connection
from everloop.errors import RuntimeApiUnreachable
from everloop.wire.http1 import ApiAnswer


class OneAnswer:
    """Waits for the answer to a single request."""

    def __init__(self, future: asyncio.Future[ApiAnswer]) -> None:
        self._future = future

    @classmethod
    async def to(cls, connection: Connection, request: bytes) -> ApiAnswer:
        """Send a request and await its answer. Raises `RuntimeApiUnreachable`."""
        future: asyncio.Future[ApiAnswer] = asyncio.get_running_loop().create_future()
        connection.ask(cls(future), request)
        return await future

    def answered(self, answer: ApiAnswer) -> None:
        """Hand the answer on."""
        if not self._future.done():
            self._future.set_result(answer)

    def lost(self, error: Exception) -> None:
        """Learn that none will come."""
        if not self._future.done():
            self._future.set_exception(RuntimeApiUnreachable(f"The Runtime API did not answer: {error}"))
