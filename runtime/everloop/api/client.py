"""The Runtime API's address, and what is said to it outside of invocations."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from everloop.api.connection import Connection
from everloop.api.extension import InternalExtension
from everloop.api.one_answer import OneAnswer
from everloop.api.reply import Reply
from everloop.api.slot import Slot
from everloop.errors import RuntimeApiError, RuntimeApiRefused, RuntimeApiUnreachable
from everloop.invocation import Invocation
from everloop.report import ErrorReport
from everloop.wire.http1 import ApiAnswer
from everloop.wire.runtime_api import RequestEncoder

if TYPE_CHECKING:
    from everloop.api.blocking import BlockingSlot

INIT_ERROR_TIMEOUT = 5.0
"""Seconds that an error may take to be delivered: the process is about to exit."""


class RuntimeApiClient:
    """Makes slots, and reports what goes wrong before the first poll."""

    def __init__(self, address: str, user_agent: str) -> None:
        host, _, port = address.rpartition(":")
        self._host = (host or address).strip("[]")
        self._port = int(port) if host and port.isdigit() else 80
        self._address = address
        self.encoder = RequestEncoder(address, user_agent)
        self.make_reply: Callable[..., Reply] = Reply
        """What slots make the right to answer with."""

    def slot(
        self, on_invocation: Callable[[Invocation, Reply], None], on_lost: Callable[[RuntimeApiError], None]
    ) -> Slot:
        """Make a slot; it connects when it polls for the first time."""
        return Slot(self._connect, self.encoder, on_invocation, on_lost, self.make_reply)

    def blocking_slot(self) -> "BlockingSlot":
        """Make a slot for a process whose loop does not run while it polls."""
        from everloop.api.blocking import BlockingSlot

        return BlockingSlot(self._host, self._port, self.encoder, self.make_reply)

    async def report_init_error(self, report: ErrorReport) -> None:
        """Tell Lambda that initialisation failed. Raises `RuntimeApiError` when that fails, too."""
        await self._tell("init/error", self.encoder.init_error(report.header_type, report.to_json()))

    async def report_restore_error(self, report: ErrorReport) -> None:
        """Tell Lambda that a restored process cannot go on. Raises `RuntimeApiError` when that fails, too."""
        await self._tell("restore/error", self.encoder.restore_error(report.header_type, report.to_json()))

    async def restore_next(self) -> bool:
        """Wait, perhaps for weeks, until the process is restored from a snapshot; False where snapshots are off.

        Raises `RuntimeApiError`.
        """
        answer = await self.call(self.encoder.restore_next)
        if answer.status not in (200, 404):
            raise RuntimeApiRefused("GET /runtime/restore/next", answer.status, answer.body)
        return answer.status == 200

    async def call(self, request: bytes) -> ApiAnswer:
        """Send one request on a connection of its own and wait for the answer."""
        connection = await self._connect()
        try:
            return await OneAnswer.to(connection, request)
        finally:
            connection.close()

    def extension(self) -> InternalExtension:
        """Make the internal extension; it connects when it registers."""
        return InternalExtension(self._connect, self._address)

    async def _tell(self, what: str, request: bytes) -> None:
        try:
            async with asyncio.timeout(INIT_ERROR_TIMEOUT):
                answer = await self.call(request)
        except TimeoutError:
            raise RuntimeApiUnreachable(f"No answer to the {what} within {INIT_ERROR_TIMEOUT:g} s") from None
        if answer.status >= 300:
            raise RuntimeApiRefused(f"POST /runtime/{what}", answer.status, answer.body)

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(Connection, self._host, self._port)
        except OSError as error:
            raise RuntimeApiUnreachable(
                f"The Runtime API at {self._host}:{self._port} cannot be connected to: {error}"
            ) from error
        return connection
