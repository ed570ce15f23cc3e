"""One WSGI response: `start_response`, `write`, the pieces of the iterable."""

from collections.abc import Callable, Iterable
from enum import Enum
from types import TracebackType
from typing import Any, Protocol

from everloop.errors import ClientDisconnected, ProtocolError
from everloop.exchange import ResponseHead, short_of
from everloop.wsgi.environ import Environ
from everloop.wsgi.head import response_head

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
StartResponse = Callable[..., Callable[[bytes], None]]
Application = Callable[[Environ, Any], Iterable[bytes]]

_BODILESS = (204, 304)


class Sink(Protocol):
    """Where a response goes; writing waits until it can go on."""

    def start(self, head: ResponseHead, body: bytes, more: bool) -> None:
        """Take the head and the first piece of the body."""

    def write(self, body: bytes, more: bool) -> None:
        """Take a further piece of the body."""


class WsgiState(Enum):
    """Where the application has got to with its response."""

    REQUEST = "start_response() was not called"
    """Goes to HEAD by `start_response()`."""

    HEAD = "the head is held back until there is a piece of the body"
    """May be replaced by `start_response()` with exc_info. Goes to BODY or COMPLETE."""

    BODY = "the head is sent"
    """Goes to COMPLETE."""

    COMPLETE = "the response is complete"
    """There is no way out."""


# An attribute of an Enum costs twice as much as a global.
_REQUEST = WsgiState.REQUEST
_HEAD = WsgiState.HEAD
_BODY = WsgiState.BODY
_COMPLETE = WsgiState.COMPLETE


class WsgiCycle:
    """Calls an application once and passes its response on.

    `joined` collects the body and passes it on whole, for sinks that would do the same in smaller steps.
    """

    __slots__ = ("_bodiless", "_cut", "_head", "_joined", "_lacking", "_method", "_pieces", "_sink", "state")

    def __init__(self, method: str, sink: Sink, *, joined: bool) -> None:
        self._method = method
        self._sink = sink
        self._joined = joined
        self._pieces: list[bytes] = []
        self._lacking = 0
        """Bytes that the body's content-length announces and that have not come."""
        self._head: ResponseHead | None = None
        self._bodiless = False
        self._cut = False
        self.state = _REQUEST

    def __repr__(self) -> str:
        return f"<WsgiCycle {self.state.name}>"

    def cut(self) -> None:
        """Stop the application at its next piece: nobody can get it."""
        self._cut = True

    def run(self, app: Application, environ: Environ) -> None:
        """Call the application and take its whole response; `close()` is called in any case.

        Raises what the application raises, and `ProtocolError` where it breaks PEP 3333.
        """
        result = app(environ, self.start_response)
        try:
            for piece in result:
                self._take(piece)
            self._end()
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], None]:
        """Take the head; again only with `exc_info`, which is raised where the first one is on its way already."""
        if exc_info is not None:
            try:
                if self.state in (_BODY, _COMPLETE):
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # PEP 3333: no ring of frames
        elif self.state is not _REQUEST:
            raise ProtocolError(f"start_response() was called twice without exc_info (state {self.state.name})")
        self._head = response_head(status, headers)
        self._bodiless = self._method == "HEAD" or self._head.status in _BODILESS
        self._pieces.clear()
        self.state = _HEAD
        return self._take

    def _take(self, piece: bytes) -> None:
        if self._cut:
            raise ClientDisconnected("The response can no longer be delivered")
        if not isinstance(piece, bytes):
            raise ProtocolError(f"The application yielded {type(piece).__name__}, expected bytes")
        if self._head is None:
            raise ProtocolError("The application yielded before it had called start_response()")
        if not piece:
            return
        if self._joined:
            if not self._bodiless:
                self._pieces.append(piece)
        elif self._bodiless:
            if self.state is _HEAD:  # the client need not wait for the end of what it does not get
                self.state = _BODY
                self._sink.start(self._head, b"", False)
        elif self.state is _HEAD:
            self.state = _BODY
            self._lacking = self._head.announced_length - len(piece)
            self._sink.start(self._head, piece, True)
        else:
            self._lacking -= len(piece)
            self._sink.write(piece, True)

    def _end(self) -> None:
        if self._head is None:
            raise ProtocolError("The application returned without calling start_response()")
        if self.state is _HEAD and len(self._pieces) != 1 and not self._bodiless:  # the length of one is its own
            self._lacking = self._head.announced_length - sum(map(len, self._pieces))
        if self._lacking > 0:
            # Front ends make the length anew: nobody else could tell a part from the whole.
            raise ProtocolError(short_of(self._lacking))
        if self.state is _HEAD:
            self._sink.start(self._head, b"".join(self._pieces), False)
        elif not self._bodiless:
            self._sink.write(b"", False)
        self.state = _COMPLETE  # last: a response that cannot be encoded is none
