"""From an invocation to a request and the answer that waits for its response: what ASGI and WSGI have in common."""

import logging
from collections.abc import Collection, Sequence
from typing import Any

from everloop.api.reply import Reply
from everloop.errors import UnknownEvent
from everloop.exchange import HttpRequest
from everloop.handlers.answers import Answer, BufferedAnswer, StreamedAnswer
from everloop.handlers.events import EventAnswer, event_request, is_warm_up_ping
from everloop.invocation import Invocation
from everloop.sources.base import Event, EventSource
from everloop.sources.body import TextTypes
from everloop.sources.mount import mount
from everloop.sources.registry import BUILT_IN, Source, select
from everloop.sources.websocket import WebSocketApi
from everloop.tracing import inherit_trace

logger = logging.getLogger("everloop")


Call = tuple[HttpRequest, Answer, Any]
"""A request for the application, the answer that its response goes into, and the event that it came from."""


class Front:
    """Opens invocations. `events_path` is where events that are not HTTP are POSTed, None where they are not."""

    def __init__(
        self,
        *,
        streaming: bool,
        base_path: str = "",
        text_types: Collection[str] = (),
        error_statuses: Collection[int] = (),
        events_path: str | None = None,
        sources: Sequence[Source] = BUILT_IN,
    ) -> None:
        self._streaming = streaming
        self._base_path = base_path
        self._text_types = TextTypes(text_types)
        self._error_statuses = frozenset(error_statuses)
        self._events_path = events_path
        self._sources = sources
        self._warned: set[str] = set()

    def open(self, invocation: Invocation, reply: Reply) -> Call | WebSocketApi | None:
        """Give what the application is called with; None for a ping, which is answered already.

        An event of a WebSocket is given as its source, where `sources` have that.

        Raises `InvocationError`: `UnmarshalError`, `MalformedEvent`, and `UnknownEvent` for what is not HTTP and has
        no path to go to.
        """
        event = invocation.event
        try:
            source = select(event, self._sources)
        except UnknownEvent as unknown:
            return self._open_event(invocation, reply, event, unknown)
        if isinstance(source, WebSocketApi):
            return source
        request = source.decode(event)
        invocation.payload = b""
        inherit_trace(request.headers, invocation)
        if self._base_path:
            mount(request, self._base_path)
        if self._streaming:
            return request, self.answer(reply, source, event), event
        # As `answer()` would, without a further call.
        return request, BufferedAnswer(reply, source, event, self._text_types, self._error_statuses), event

    def answer(self, reply: Reply, source: EventSource, event: Event) -> Answer:
        """Give the answer for a response to an event of a source: streamed where it can be."""
        if self._streaming:
            if source.streams:
                return StreamedAnswer(reply, source, self._error_statuses)
            self._warn_buffered(source)
        return BufferedAnswer(reply, source, event, self._text_types, self._error_statuses)

    def _open_event(self, invocation: Invocation, reply: Reply, event: Any, unknown: UnknownEvent) -> Call | None:
        if is_warm_up_ping(event):
            reply.complete(b"{}")
            return None
        if self._events_path is None or not isinstance(event, dict):
            raise unknown
        request = event_request(self._events_path, invocation.take_payload())
        inherit_trace(request.headers, invocation)
        return request, EventAnswer(reply, self._events_path), event

    def _warn_buffered(self, source: EventSource) -> None:
        if source.name not in self._warned:
            self._warned.add(source.name)
            logger.warning(
                "EVERLOOP_RESPONSE_MODE is streaming, but %s cannot stream: its responses are buffered", source.name
            )
