"""Bytes from the Runtime API to answers. Where the network cuts the bytes does not change what was said."""

from collections.abc import Callable

import httptools

from everloop.errors import RuntimeApiUnreachable


class ApiAnswer:
    """One whole HTTP answer of the Runtime API; header names are lower-case."""

    __slots__ = ("body", "headers", "keep_alive", "status")

    def __init__(self, status: int, headers: dict[bytes, bytes], body: bytes, keep_alive: bool) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.keep_alive = keep_alive

    def __repr__(self) -> str:
        return f"<ApiAnswer {self.status} {self.body[:200]!r}>"


class AnswerReader:
    """Reads answers out of a byte stream and hands each one on when it is complete.

    Not kept between connections. The `on_…` methods are httptools' callbacks.
    """

    __slots__ = ("_body", "_headers", "_on_answer", "_parser")

    def __init__(self, on_answer: Callable[[ApiAnswer], None]) -> None:
        self._on_answer = on_answer
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    def receive(self, data: bytes) -> None:
        """Take bytes as they come. Raises `RuntimeApiUnreachable` for what is not HTTP."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            # An exception of on_answer arrives here wrapped: it is not about the bytes.
            if isinstance(error, httptools.HttpParserCallbackError) and error.__context__ is not None:
                raise error.__context__ from None
            raise RuntimeApiUnreachable(f"The Runtime API sent what is not HTTP ({error}): {data[:80]!r}") from error

    def on_message_begin(self) -> None:
        """Start a new answer."""
        self._headers = {}
        self._body = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep one header."""
        self._headers[name.lower()] = value

    def on_body(self, piece: bytes) -> None:
        """Keep one piece of the body."""
        self._body.append(piece)

    def on_message_complete(self) -> None:
        """Hand the answer on. Interim answers (1xx) are not answers to anything."""
        status = self._parser.get_status_code()
        if status < 200:
            return
        body = self._body
        self._on_answer(
            ApiAnswer(
                status,
                self._headers,
                body[0] if len(body) == 1 else b"".join(body),
                self._parser.should_keep_alive(),
            )
        )
