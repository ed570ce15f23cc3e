"""The server's side of HTTP/1.1 for the Runtime API: requests as they come in, answers in the order of the requests."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Protocol, cast

import httptools

from everloop.dev.http_answers import error_answer

MAX_HEADERS = 1024 * 1024
"""Bytes that a request's line and headers may have, and its trailers once more; more is answered 431."""


class Receiver(Protocol):
    """What takes a request's body."""

    def piece(self, data: bytes) -> None:
        """Take what has come of the body."""

    def complete(self, trailers: Mapping[bytes, bytes]) -> None:
        """The body is whole. Names of trailers are in lower case."""

    def broken(self) -> None:
        """The connection ended within the body."""


class Routes(Protocol):
    """What answers the requests of a server's connections."""

    def begin(self, exchange: "Exchange") -> Receiver | None:
        """Take a request whose head has come; it may be answered now or later. None: its body is of no interest."""

    def lost(self, connection: "HttpConnection") -> None:
        """A connection has ended."""


class Exchange:
    """One request, and the right to answer it once."""

    __slots__ = ("answered", "bytes", "closing", "connection", "headers", "method", "path")

    def __init__(self, connection: "HttpConnection", method: bytes, path: bytes, headers: dict[bytes, bytes]) -> None:
        self.connection = connection
        self.method = method
        self.path = path
        """Without the query."""
        self.headers = headers
        """Names in lower case."""
        self.bytes = b""
        self.answered = False
        self.closing = False
        """True: nothing comes after this on the connection."""

    def answer(self, encoded: bytes) -> None:
        """Send a whole answer, as soon as those to earlier requests are sent. A second one is dropped."""
        if not self.answered:
            self.answered = True
            self.bytes = encoded
            self.connection.flush()


class HttpConnection(asyncio.Protocol):
    """One connection of a runtime. The `on_…` methods are httptools' callbacks."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._outstanding: deque[Exchange] = deque()
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._head_bytes = 0  # that have come of a head that is not whole
        self._field_bytes = 0  # of the head's fields, then of the trailers'
        self._exchange: Exchange | None = None  # whose body is coming
        self._receiver: Receiver | None = None
        self._pieces: list[bytes] = []
        self._corked = False
        self._failed = False
        self.closed = False

    # Called by those who answer.

    def flush(self) -> None:
        """Write the answers whose turn it is; those of one turn of the loop leave together."""
        if self._corked or self._transport is None or self.closed:
            return
        written: list[bytes] = []
        closing = False
        while self._outstanding and self._outstanding[0].answered and not closing:
            exchange = self._outstanding.popleft()
            written.append(exchange.bytes)
            closing = exchange.closing
        if written:
            self._transport.write(b"".join(written))
        if closing:
            self._failed = True
            self._transport.close()

    def pause(self) -> None:
        """Read no more for now: whoever wants the body is slower than the runtime."""
        if self._transport is not None and not self.closed:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and not self.closed:
            self._transport.resume_reading()

    def abort(self) -> None:
        """End the connection now."""
        if self._transport is not None:
            self._transport.abort()

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read requests; what one read brought of a body is handed on in one piece."""
        if self._failed:
            return
        if self._exchange is None:
            self._head_bytes += len(data)
        self._corked = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, HeadersTooLarge):
                self.abort()
                raise
            self._refuse(error.__context__)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._refuse(error)
        else:
            self._hand_on()
            if self._head_bytes > MAX_HEADERS and self._exchange is None:
                self._refuse(HeadersTooLarge())
        finally:
            self._corked = False
            self.flush()

    def eof_received(self) -> None:
        """Tell who waits for the rest of a body that it does not come."""
        exchange, receiver = self._exchange, self._receiver
        if exchange is not None:
            self._exchange = self._receiver = None
            if receiver is not None:
                receiver.broken()
            exchange.answer(
                error_answer(400, "TruncatedHTTPRequest", "The connection ended before the request was whole")
            )

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was outstanding."""
        self.closed = True
        self._outstanding.clear()
        receiver, self._receiver, self._exchange = self._receiver, None, None
        if receiver is not None:
            receiver.broken()
        self._routes.lost(self)

    def _refuse(self, error: Exception) -> None:
        """Say why the bytes cannot be read, and read no more of them."""
        self._hand_on()
        exchange = self._exchange or Exchange(self, b"", b"", {})
        if exchange not in self._outstanding:
            self._outstanding.append(exchange)
        receiver, self._receiver, self._exchange = self._receiver, None, None
        if receiver is not None:
            receiver.broken()
        exchange.closing = True
        self._failed = True
        if isinstance(error, HeadersTooLarge):
            exchange.answer(error_answer(431, "RequestHeaderFieldsTooLarge", f"Headers are over {MAX_HEADERS} bytes"))
        else:
            exchange.answer(error_answer(400, "InvalidRequest", f"This is not HTTP/1.1: {error}"))

    def _hand_on(self) -> None:
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            if self._receiver is not None:
                self._receiver.piece(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    # Called by the parser.

    def on_message_begin(self) -> None:
        """Start a new request."""
        self._url = b""
        self._headers = {}
        self._head_bytes = self._field_bytes = 0
        self._exchange = None

    def on_url(self, url: bytes) -> None:
        """Take the target, or a part of it."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a trailer."""
        self._field_bytes += len(name) + len(value) + 4
        if self._field_bytes > MAX_HEADERS:
            raise HeadersTooLarge
        name = name.lower()
        known = self._headers.get(name)
        self._headers[name] = value if known is None else b"%b, %b" % (known, value)

    def on_headers_complete(self) -> None:
        """Hand the request on before its body comes."""
        headers, self._headers = self._headers, {}
        self._head_bytes = self._field_bytes = 0
        self._exchange = exchange = Exchange(self, self._parser.get_method(), self._url.partition(b"?")[0], headers)
        self._outstanding.append(exchange)
        if headers.get(b"expect", b"").lower() == b"100-continue" and len(self._outstanding) == 1 and self._transport:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._receiver = self._routes.begin(exchange)

    def on_body(self, piece: bytes) -> None:
        """Keep what has come of the body until all that has come now is read."""
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Hand the end of the body on; trailers are in the headers that came after the head."""
        exchange, trailers = self._exchange, self._headers
        self._hand_on()
        receiver, self._receiver, self._exchange = self._receiver, None, None
        self._head_bytes = self._field_bytes = 0
        if exchange is not None and not self._parser.should_keep_alive():
            exchange.closing = True
            if exchange not in self._outstanding and self._transport is not None:  # it is answered already
                self._transport.close()
        if receiver is not None:
            receiver.complete(trailers)


class HeadersTooLarge(Exception):
    """A request's headers are over `MAX_HEADERS`."""
