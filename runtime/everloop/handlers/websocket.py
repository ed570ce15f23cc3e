"""WebSocket connections: an event in, one call of the application with what the event brought, an answer out."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import orjson

from everloop.api.reply import UNDER_WAY, Reply
from everloop.asgi.scope import build_websocket_scope
from everloop.asgi.types import Application, Message, Scope
from everloop.asgi.websocket import SocketState, WebSocketCycle
from everloop.background import settle
from everloop.errors import ClientDisconnected, DeadlineExceeded, IncompleteResponse, MissingExtra
from everloop.exchange import Handshake
from everloop.failures import log_failure
from everloop.handlers.base import ApplicationExit, exit_code, is_shut_down
from everloop.handlers.deadline import Deadlines
from everloop.invocation import Invocation
from everloop.report import ErrorReport
from everloop.sources.base import Event
from everloop.sources.websocket import Frame, FrameKind, WebSocketApi

if TYPE_CHECKING:
    from everloop.api.connection_store import ConnectionStore
    from everloop.api.connections import Connections

logger = logging.getLogger("everloop")

_SETTLING = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds to wait for a connection that was accepted a moment ago: API Gateway opens it when it has our answer."""


class WebSocketHandler:
    """Gives every event of a WebSocket API to one ASGI application."""

    def __init__(self, app: Application, state: dict[str, Any], *, store: str, deadlines: Deadlines) -> None:
        """Load what talks to AWS. Raises `MissingExtra` where the packages for it are not installed."""
        try:
            from everloop.api.aws import AwsClient
            from everloop.api.connection_store import open_store
            from everloop.api.connections import Connections
        except ImportError as error:
            raise MissingExtra(
                f"API Gateway WebSocket events need the extra everloop[websocket], which is not installed: {error}"
            ) from error
        self._app = app
        self._state = state
        self._deadlines = deadlines
        self._aws = AwsClient()
        self._connections = Connections(self._aws)
        self._store = open_store(store, self._aws)
        self._is_shared = store != "memory"
        self._has_warned = False

    async def handle(self, invocation: Invocation, reply: Reply, source: WebSocketApi, event: Event) -> None:
        """Answer one invocation; return when the next one may come.

        Raises `ApplicationExit`.
        """
        try:
            frame = source.decode(event)
            handshake = await self._handshake(source, frame, event)
        except Exception as error:  # noqa: BLE001 - what the store raises fails this event alone
            log_failure("A WebSocket event could not be read", error)
            reply.fail(ErrorReport.of(error))
            return
        scope = build_websocket_scope(handshake, self._state)
        scope["aws.event"] = event
        scope["aws.context"] = invocation.context
        answer = SocketAnswer(reply, source, frame, event, self._connections, self._store)
        run = _Run(_cycle(frame, answer), answer, reply)
        self._deadlines.watch(run, invocation.deadline)
        try:
            await run.call(self._app, scope)
        finally:
            self._deadlines.stop(run)
            if frame.kind is FrameKind.DISCONNECT:
                await answer.forget()
        if invocation.background:
            await settle(invocation, run.stop_at)

    async def aclose(self) -> None:
        """Close the connections to AWS."""
        await self._aws.aclose()

    async def _handshake(self, source: WebSocketApi, frame: Frame, event: Event) -> Handshake:
        if frame.kind is FrameKind.CONNECT:
            return source.handshake(event)
        kept = await self._store.get(frame.connection_id)
        if kept is None:
            if frame.kind is FrameKind.MESSAGE:  # an end may be that of one which was never accepted
                self._warn_unknown(frame)
            return source.handshake(event)
        return source.handshake(orjson.loads(kept))

    def _warn_unknown(self, frame: Frame) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "The handshake of WebSocket connection %s is not known here, so its scope has no headers and no query. "
                "%s",
                frame.connection_id,
                "It was removed from the table, or the application never accepted it."
                if self._is_shared
                else "Another environment has it, or had it and has ended: EVERLOOP_WEBSOCKET_STORE=dynamodb:TABLE "
                "shares it with all.",
            )


def _cycle(frame: Frame, answer: "SocketAnswer") -> WebSocketCycle:
    """Give the application's side of an event."""
    match frame.kind:
        case FrameKind.CONNECT:
            return WebSocketCycle(answer, SocketState.CONNECTING, None, None)
        case FrameKind.MESSAGE:
            key = "text" if isinstance(frame.data, str) else "bytes"
            return WebSocketCycle(answer, SocketState.RESUMED, {"type": "websocket.receive", key: frame.data}, None)
        case FrameKind.DISCONNECT:
            ended: Message = {"type": "websocket.disconnect", "code": frame.code, "reason": frame.reason}
            return WebSocketCycle(answer, SocketState.RESUMED, None, ended)


class SocketAnswer:
    """Where an application's messages go: the answer to the handshake by the reply, all else by `@connections`."""

    __slots__ = ("_connections", "_event", "_frame", "_reply", "_source", "_store")

    def __init__(
        self,
        reply: Reply,
        source: WebSocketApi,
        frame: Frame,
        event: Event,
        connections: "Connections",
        store: "ConnectionStore",
    ) -> None:
        self._reply = reply
        self._source = source
        self._frame = frame
        self._event = event
        self._connections = connections
        self._store = store

    async def accept(self, subprotocol: str | None, headers: list[tuple[str, str]]) -> None:
        """Keep the handshake, then open the connection: a message may come before the application returns."""
        frame = self._frame
        await self._store.put(frame.connection_id, orjson.dumps(self._source.kept(self._event)), frame.connected_at)
        chosen = [] if subprotocol is None else [("Sec-WebSocket-Protocol", subprotocol)]
        self.answer(200, [*headers, *chosen])

    async def refuse(self) -> None:
        """Refuse the connection."""
        self.answer(403)

    async def send(self, data: str | bytes) -> None:
        """Post a message to the client."""
        frame = self._frame
        delays = _SETTLING if frame.kind is FrameKind.CONNECT else ()
        for delay in (*delays, None):
            try:
                await self._connections.post(frame.domain, frame.stage, frame.connection_id, data)
                return
            except ClientDisconnected:
                if delay is None:
                    raise
            await asyncio.sleep(delay)

    async def close(self, code: int, reason: str) -> None:
        """Delete the connection. The client always sees code 1000: `@connections` takes none."""
        frame = self._frame
        logger.debug("The application closes WebSocket connection %s: %d %s", frame.connection_id, code, reason)
        await self._connections.delete(frame.domain, frame.stage, frame.connection_id)

    async def forget(self) -> None:
        """Forget the handshake of a connection whose last event this was.

        Not where a send finds nobody: `$disconnect` may still come, and it is to say who has left.
        """
        try:
            await self._store.forget(self._frame.connection_id)
        except Exception as error:  # noqa: BLE001 - the item expires by itself
            logger.warning("WebSocket connection %s could not be forgotten: %s", self._frame.connection_id, error)

    def answer(self, status: int, headers: list[tuple[str, str]] | None = None) -> None:
        """Answer the invocation."""
        self._reply.complete(orjson.dumps(self._source.encode(status, headers or ())))


class _Run:
    """One call of the application, and what becomes of it."""

    __slots__ = ("_answer", "_cycle", "_reply", "_task", "expired", "stop_at")

    stop_at: float | None
    expired: bool

    def __init__(self, cycle: WebSocketCycle, answer: SocketAnswer, reply: Reply) -> None:
        self._cycle = cycle
        self._answer = answer
        self._reply = reply
        self._task: asyncio.Task[None] | None = asyncio.current_task()
        reply.on_broken = cycle.disconnect

    async def call(self, app: Application, scope: Scope) -> None:
        """Call the application in this task and answer for it where it has not.

        Raises `ApplicationExit`, and `CancelledError` when the process is shutting down.
        """
        cycle = self._cycle
        try:
            await app(scope, cycle.receive, cycle.send)
        except asyncio.CancelledError as error:
            if self.expired:
                self._fail_by_deadline()
            elif is_shut_down(self._task):
                self._answer_unless_answered(503)
                raise
            else:
                self._failed(error)
        except SystemExit as error:
            log_failure("The application raised SystemExit: the process shuts down", error)
            if self._unanswered:
                self._reply.fail(ErrorReport.of(error))
            raise ApplicationExit(exit_code(error)) from error
        except BaseException as error:  # noqa: BLE001 - whatever the application raises, the process lives on
            if cycle.told is not None and getattr(error, "code", None) == cycle.told:
                self._returned()  # the framework's WebSocketDisconnect, which its users need not catch
            else:
                self._failed(error)
        else:
            self._returned()

    @property
    def invocation(self) -> Invocation:
        """What it works on."""
        return self._reply.invocation

    def deadline_near(self) -> bool:
        """Send websocket.disconnect to an application that waits."""
        if not self._unanswered:
            return False
        self._cycle.disconnect()
        return True

    def deadline_cancel(self) -> None:
        """Cancel the application; it can no longer send."""
        self._cycle.cut()
        if self._task is not None:
            self._task.cancel()

    def deadline_abandon(self) -> None:
        """Answer, and let the slot poll while the application goes on by itself."""
        self._fail_by_deadline()
        self._reply.release()

    @property
    def _unanswered(self) -> bool:
        return self._reply.state in UNDER_WAY

    def _returned(self) -> None:
        if self._cycle.state is SocketState.CONNECTING:
            if self.expired:
                self._fail_by_deadline()
                return
            error = IncompleteResponse("The application returned before it had accepted or closed the connection")
            log_failure(str(error), error)
            self._answer_unless_answered(500)
        else:
            self._answer_unless_answered(200)

    def _failed(self, error: BaseException) -> None:
        log_failure("The application raised", error)
        if self.expired:
            self._fail_by_deadline()
        else:
            self._answer_unless_answered(500)

    def _fail_by_deadline(self) -> None:
        if self._unanswered:
            error = DeadlineExceeded("The deadline came near before the application was done with a WebSocket event")
            log_failure(f"{error.error_type}: {error}", error)
            self._answer_unless_answered(504)

    def _answer_unless_answered(self, status: int) -> None:
        if self._unanswered:
            self._answer.answer(status)
