"""From a kind of handler to what serves it. Each kind's modules are imported only where it is used."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from everloop.errors import HandlerError
from everloop.handlers.asgi import AsgiHandler
from everloop.handlers.base import BlockingHandler, InvocationHandler, RunAsync
from everloop.handlers.front import Front
from everloop.kinds import Kind, detect
from everloop.loader import load
from everloop.settings import Interface, ResponseMode, Settings, Switch
from everloop.sources.registry import BUILT_IN, HTTP, Source


class Builder:
    """Builds handlers from settings. `slots` is how many invocations run side by side, on `loop`."""

    def __init__(
        self, settings: Settings, loop: asyncio.AbstractEventLoop, slots: int, on_exhausted: Callable[[int], None]
    ) -> None:
        self._settings = settings
        self._loop = loop
        self._slots = slots
        self._on_exhausted = on_exhausted
        self._streaming = settings.response_mode is ResponseMode.STREAMING
        self._access_log = settings.access_log is Switch.ON

    def on_loop(self, kind: Kind, found: Any, state: dict[str, Any]) -> InvocationHandler:
        """Build what the running loop gives invocations to; what blocks gets a thread. Raises `HandlerError`."""
        if kind is Kind.ASGI:
            events = self._events_on_loop()
            return AsgiHandler(
                found,
                state,
                self._front(BUILT_IN),
                deadline_margin=self._settings.deadline_margin,
                access_log=self._access_log,
                websocket_store=self._settings.websocket_store,
                events=events,
            )
        if kind.blocks:
            return self._threaded(self._blocking(kind, found, self._run_from_thread, threads=True))
        return self._async(found)

    def on_main_thread(self, kind: Kind, found: Any, run_async: RunAsync) -> BlockingHandler:
        """Build what is called while the loop does not run, and may have it run. Raises `HandlerError`."""
        return self._blocking(kind, found, run_async, threads=False)

    def _blocking(self, kind: Kind, found: Any, run_async: RunAsync, *, threads: bool) -> BlockingHandler:
        if kind is not Kind.WSGI:
            return self._sync(found, run_async)
        from everloop.handlers.wsgi import WsgiHandler

        target = self._events_handler()
        events = None if target is None else self._sync(target[1], run_async)
        return WsgiHandler(found, self._front(), multithread=threads, access_log=self._access_log, events=events)

    def _sync(self, function: Any, run_async: RunAsync) -> BlockingHandler:
        from everloop.handlers.sync_function import SyncFunction

        return SyncFunction(
            function,
            self._front(),
            streaming=self._streaming,
            deadline_margin=self._settings.deadline_margin,
            run_async=run_async,
        )

    def _async(self, function: Any) -> InvocationHandler:
        from everloop.handlers.function import AsyncFunction

        margin = self._settings.deadline_margin
        return AsyncFunction(function, self._front(), streaming=self._streaming, deadline_margin=margin)

    def _threaded(self, handler: BlockingHandler) -> InvocationHandler:
        from everloop.handlers.threads import ThreadedHandler

        margin = self._settings.deadline_margin
        return ThreadedHandler(handler, self._slots, deadline_margin=margin, on_exhausted=self._on_exhausted)

    def _events_on_loop(self) -> InvocationHandler | None:
        """The loop runs for the application's sake, so an event handler that blocks has a thread even with one slot."""
        target = self._events_handler()
        if target is None:
            return None
        kind, function = target
        return self._threaded(self._sync(function, self._run_from_thread)) if kind.blocks else self._async(function)

    def _events_handler(self) -> tuple[Kind, Any] | None:
        """Import the plain handler that EVERLOOP_EVENTS names, if it names one. Raises `HandlerError`."""
        events = self._settings.events
        if events == "off" or events.startswith("/"):
            return None
        try:
            found = load(events)
            asyncio.set_event_loop(self._loop)  # asyncio.run() in the user's module takes it away
            kind = detect(events, found, Interface.AUTO)
        except HandlerError as error:
            raise HandlerError(error.error_type, f"EVERLOOP_EVENTS={events!r}: {error}") from error
        if kind in (Kind.ASGI, Kind.WSGI):
            raise HandlerError(
                "Runtime.HandlerNotFound",
                f"EVERLOOP_EVENTS={events!r} is {kind.value}, expected a plain handler (event, context)",
            )
        return kind, found

    def _front(self, built_in: Sequence[Source] = HTTP) -> Front:
        """Make what opens invocations. Only ASGI knows WebSockets; elsewhere their events are not HTTP."""
        chosen = self._settings
        sources = built_in
        if chosen.sources:
            from everloop.user_sources import load_sources  # few have any

            sources = (*load_sources(chosen.sources), *built_in)
        return Front(
            streaming=self._streaming,
            base_path=chosen.base_path,
            text_types=chosen.text_types,
            error_statuses=chosen.error_statuses,
            events_path=chosen.events if chosen.events.startswith("/") else None,
            sources=sources,
        )

    def _run_from_thread(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()
