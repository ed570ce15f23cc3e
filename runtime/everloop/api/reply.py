"""The right to answer one invocation: buffered, streamed or failed, once."""

import logging
from collections.abc import Callable
from enum import Enum, auto
from time import perf_counter

import orjson

from everloop.api.line import Line
from everloop.api.promptness import PROMPT, Habit
from everloop.errors import IllegalTransition, RuntimeApiRefused
from everloop.invocation import Invocation
from everloop.report import MAX_SHORT_TYPE, ErrorReport
from everloop.wire import chunked
from everloop.wire.http1 import ApiAnswer
from everloop.wire.runtime_api import JSON, RequestEncoder, error_trailers, room_for_error_body

logger = logging.getLogger("everloop.api")


class ReplyState(Enum):
    """Where one invocation's answer has got to."""

    PENDING = auto()
    """Nothing sent. Goes to STREAMING, COMPLETED, FAILED or BROKEN."""

    STREAMING = auto()
    """The head and some of the body are sent. Goes to COMPLETED, to FAILED by trailers, or to BROKEN."""

    COMPLETED = auto()
    """The whole response is sent."""

    FAILED = auto()
    """The whole failure is sent."""

    BROKEN = auto()
    """The connection ended, or the Runtime API refused the response, before all was sent."""

    next: "tuple[ReplyState, ...]"


ReplyState.PENDING.next = (ReplyState.COMPLETED, ReplyState.STREAMING, ReplyState.FAILED, ReplyState.BROKEN)
ReplyState.STREAMING.next = (ReplyState.COMPLETED, ReplyState.FAILED, ReplyState.BROKEN)
ReplyState.COMPLETED.next = ReplyState.FAILED.next = ReplyState.BROKEN.next = ()


# An attribute of an Enum costs twice as much as a global.
_PENDING = ReplyState.PENDING
_STREAMING = ReplyState.STREAMING
_COMPLETED = ReplyState.COMPLETED
_FAILED = ReplyState.FAILED
_BROKEN = ReplyState.BROKEN

UNDER_WAY = (ReplyState.PENDING, ReplyState.STREAMING)
"""The states in which a client still waits."""


class Reply:
    """Answers one invocation. Nothing here waits: after `write()` look at `paused` and await `drain()`."""

    __slots__ = (
        "_completed_at",
        "_connection",
        "_encoder",
        "_on_release",
        "cut",
        "habit",
        "invocation",
        "on_broken",
        "state",
    )

    def __init__(
        self,
        connection: Line,
        encoder: RequestEncoder,
        invocation: Invocation,
        on_release: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._encoder = encoder
        self.invocation = invocation
        self.state = _PENDING
        self.on_broken: Callable[[], None] | None = None
        """Called once, when it turns out that nobody can get this answer any more."""
        self.cut = False
        """True when somebody else answers, the shutdown for one: to who streams it is broken."""
        self.habit: Habit | None = None
        """Decides whether a buffered response may wait for the next poll; without one it never does."""
        self._completed_at: float | None = None
        self._on_release: Callable[[], None] | None = on_release
        connection.listener = self

    def __repr__(self) -> str:
        return f"<Reply {self.invocation.request_id} {self.state.name}>"

    @property
    def paused(self) -> bool:
        """True while the Runtime API does not read."""
        return self._connection.paused

    @property
    def broken(self) -> bool:
        """True when what is written reaches nobody."""
        return self.cut or self.state is _BROKEN

    async def drain(self) -> None:
        """Wait until the Runtime API reads again, or cannot be reached any more."""
        await self._connection.drain()

    def complete(self, payload: bytes, content_type: bytes = JSON) -> None:
        """Send a whole, buffered response."""
        if self.state is not _PENDING:
            if self.state is _BROKEN:
                return
            raise IllegalTransition(self, _COMPLETED.name)
        self.state = _COMPLETED
        invocation = self.invocation
        head = self._encoder.response(
            invocation.request_header, invocation.invocation_header, content_type, len(payload)
        )
        habit = self.habit
        if len(payload) > chunked.SMALL:
            self._connection.begin(self, (head, payload))
        else:
            self._connection.ask(self, head + payload, habit is not None and habit.trusted)
        self._completed_at = perf_counter()

    def start(self, content_type: bytes, *first: bytes) -> None:
        """Begin a streamed response; `first` (prelude, first chunk) leaves in the same write as the head."""
        if self.broken:
            return
        self._advance(_STREAMING)
        invocation = self.invocation
        pieces = [
            self._encoder.streaming_response(invocation.request_header, invocation.invocation_header, content_type)
        ]
        for data in first:
            if data:
                pieces += chunked.chunk(data)
        self._connection.write_through(True)
        self._connection.begin(self, pieces)

    def write(self, data: bytes) -> None:
        """Send one chunk of a streamed response now. Empty data is left out: it would end the body."""
        if data and self.state is _STREAMING:
            self._connection.write(chunked.chunk(data))

    def finish(self, last: bytes = b"") -> None:
        """Send the last chunk of a streamed response and the end of its body."""
        if self.broken:
            return
        self._advance(_COMPLETED)
        self._connection.write((*chunked.chunk(last), chunked.END) if last else (chunked.END,))
        self._connection.write_through(False)

    def fail(self, report: ErrorReport) -> None:
        """Tell Lambda that the invocation failed: by /error, by trailers in mid-stream, by the log after the end."""
        invocation = self.invocation
        match self.state:
            case ReplyState.PENDING:
                self._advance(_FAILED)
                body = report.to_json(invocation.request_id)
                request = self._encoder.error(
                    invocation.request_header, invocation.invocation_header, report.header_type, body, report.xray_cause
                )
                self._connection.ask(self, request)
            case ReplyState.STREAMING:
                self._advance(_FAILED)
                error_type = report.header_type[:MAX_SHORT_TYPE]
                body = report.to_short_json(invocation.request_id, room_for_error_body(error_type))
                self._connection.write((error_trailers(error_type, body),))
                self._connection.write_through(False)
            case _:
                logger.error("%s after the response was %s: %s", report.error_type, self.state.name, report.message)

    def release(self) -> None:
        """Let the slot poll again: nothing more is going to happen for this invocation. The first call counts.

        The poll leaves in one write with a response that waited for it.
        """
        on_release, self._on_release = self._on_release, None
        if self._completed_at is not None and self.habit is not None:
            seconds = perf_counter() - self._completed_at
            if seconds > PROMPT or not self.habit.trusted:
                self.habit.returned(seconds)
            self.habit = None
        if on_release is not None:
            # Without this the collector would have to find and break a ring of objects for every invocation.
            self.on_broken = None
            on_release()

    # What the connection tells.

    def answered(self, answer: ApiAnswer) -> None:
        """Look whether Lambda took the answer; one that comes before the end of a stream ends the stream."""
        self._connection.listener = None
        if answer.status >= 300:
            logger.error(
                "The Runtime API refused the answer to request %s with status %d %s; the answer is lost",
                self.invocation.request_id,
                answer.status,
                refusal(answer.body),
            )
        if self.state is _STREAMING:
            self._break()
            self._connection.abort(RuntimeApiRefused("The stream", answer.status, answer.body))

    def lost(self, error: Exception) -> None:
        """Learn that the connection ended before Lambda said that it has the answer."""
        logger.error(
            "The connection to the Runtime API ended while request %s was %s: %s; its answer is not sent again",
            self.invocation.request_id,
            "being worked on" if self.state is _PENDING else "being answered",
            error,
        )
        if self.state in UNDER_WAY:
            self._break()

    def _break(self) -> None:
        self._advance(_BROKEN)
        if self.on_broken is not None:
            self.on_broken()

    def _advance(self, state: ReplyState) -> None:
        if state not in self.state.next:
            raise IllegalTransition(self, state.name)
        self.state = state


def refusal(body: bytes) -> str:
    """Give the errorType of the Runtime API's error body, or the beginning of what it sent instead."""
    try:
        return str(orjson.loads(body)["errorType"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return repr(body[:200].decode("utf-8", "replace"))
