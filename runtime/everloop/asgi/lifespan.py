"""The application's lifespan: started once, stopped once (ASGI lifespan spec 2.0)."""

import asyncio
import logging
from enum import Enum, auto
from typing import Any

from everloop.asgi.types import Application, Message
from everloop.errors import IllegalTransition, LifespanFailed, ProtocolError

logger = logging.getLogger("everloop.asgi")


class LifespanState(Enum):
    """Where the lifespan has got to."""

    IDLE = auto()
    """Not started. Goes to STARTING."""

    STARTING = auto()
    """The application runs its startup. Goes to RUNNING, UNSUPPORTED or FAILED."""

    RUNNING = auto()
    """Startup is complete. Goes to STOPPING, or to STOPPED when the application ends its lifespan by itself."""

    STOPPING = auto()
    """The application runs its shutdown. Goes to STOPPED."""

    STOPPED = auto()
    """Over."""

    UNSUPPORTED = auto()
    """The application has none."""

    FAILED = auto()
    """Startup failed."""


_NEXT = {
    LifespanState.IDLE: {LifespanState.STARTING},
    LifespanState.STARTING: {LifespanState.RUNNING, LifespanState.UNSUPPORTED, LifespanState.FAILED},
    LifespanState.RUNNING: {LifespanState.STOPPING, LifespanState.STOPPED},
    LifespanState.STOPPING: {LifespanState.STOPPED},
    LifespanState.STOPPED: set[LifespanState](),
    LifespanState.UNSUPPORTED: set[LifespanState](),
    LifespanState.FAILED: set[LifespanState](),
}


class NoLifespan:
    """EVERLOOP_LIFESPAN=off, and handlers that are no ASGI applications."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""


class Lifespan:
    """Runs an application's lifespan as one task for as long as the process lives.

    `state` is what the application put into `scope["state"]`.
    """

    def __init__(self, app: Application, *, required: bool, timeout: float = 0) -> None:
        self._app = app
        self._required = required
        self._timeout = timeout
        self._phase = LifespanState.IDLE
        self._received = False
        self._error: BaseException | None = None
        self._message = ""
        self._settled = asyncio.Event()
        self._shutdown = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<Lifespan {self._phase.name}>"

    async def start(self) -> None:
        """Run the startup. Raises `LifespanFailed`, or `SystemExit` where the application asked for it."""
        self._advance(LifespanState.STARTING)
        self._task = asyncio.create_task(self._run(), name="everloop lifespan")
        try:
            async with asyncio.timeout(self._timeout or None):
                await self._settled.wait()
        except TimeoutError:
            # A startup that blocks the loop lets the timer fire only when it is over: what it came to then counts.
            if self._phase is LifespanState.STARTING:
                self._advance(LifespanState.FAILED)
                self._task.cancel()
                raise LifespanFailed(
                    f"The lifespan startup did not complete within EVERLOOP_STARTUP_TIMEOUT={self._timeout:g} s"
                ) from None
        if isinstance(self._error, SystemExit):
            raise self._error
        if self._phase is LifespanState.FAILED:
            raise LifespanFailed(self._message) from self._error

    async def stop(self) -> None:
        """Run the shutdown, if the lifespan is running, and wait for its end."""
        if self._phase is not LifespanState.RUNNING or self._task is None:
            return
        self._advance(LifespanState.STOPPING)
        self._settled.clear()
        self._shutdown.set()
        await self._settled.wait()

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._app(scope, self._receive, self._send)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is reported
            self._error = error
            self._ended(error)
        else:
            self._ended(None)
        finally:
            self._settled.set()

    def _ended(self, error: BaseException | None) -> None:
        """Decide what it means that the application's lifespan call is over."""
        if self._phase is LifespanState.STARTING:
            how = f"raised {type(error).__name__}: {error}" if error else "returned"
            if self._received or self._required or isinstance(error, SystemExit):
                self._advance(LifespanState.FAILED)
                self._message = self._message or (
                    f"The application {how} before it had sent lifespan.startup.complete. "
                    "EVERLOOP_LIFESPAN=off serves it without lifespan."
                )
            else:
                self._advance(LifespanState.UNSUPPORTED)
                self._error = None
                logger.debug("The application has no lifespan: it %s before its first receive()", how)
        elif self._phase in (LifespanState.RUNNING, LifespanState.STOPPING):
            if error is not None:
                logger.error("The application's lifespan raised", exc_info=error)
            elif self._phase is LifespanState.RUNNING:
                logger.debug("The application ended its lifespan before the shutdown")
            self._advance(LifespanState.STOPPED)

    async def _receive(self) -> Message:
        if not self._received:
            self._received = True
            return {"type": "lifespan.startup"}
        await self._shutdown.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        match message.get("type"), self._phase:
            case "lifespan.startup.complete", LifespanState.STARTING:
                self._advance(LifespanState.RUNNING)
            case "lifespan.startup.failed", LifespanState.STARTING:
                self._advance(LifespanState.FAILED)
                self._message = message.get("message") or "The application sent lifespan.startup.failed"
            case "lifespan.shutdown.complete", LifespanState.STOPPING:
                self._advance(LifespanState.STOPPED)
            case "lifespan.shutdown.failed", LifespanState.STOPPING:
                self._advance(LifespanState.STOPPED)
                logger.error("The lifespan shutdown failed: %s", message.get("message") or "no message")
            case kind, phase:
                raise ProtocolError(f"The application sent {kind!r} while its lifespan was {phase.name}")
        self._settled.set()

    def _advance(self, phase: LifespanState) -> None:
        if phase not in _NEXT[self._phase]:
            raise IllegalTransition(self, phase.name)
        self._phase = phase
