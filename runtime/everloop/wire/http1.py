"""Bytes from the Runtime API to answers. Where the network cuts the bytes does not change what was said."""

import httptools

from everloop.errors import RuntimeApiUnreachable
from everloop.headers import Headers
from everloop.wire.head_shape import HeadShape, shape_of


class ApiAnswer:
    """One whole HTTP answer of the Runtime API."""

    __slots__ = ("body", "headers", "keep_alive", "status")

    def __init__(self, status: int, headers: Headers, body: bytes, keep_alive: bool) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.keep_alive = keep_alive

    def __repr__(self) -> str:
        return f"<ApiAnswer {self.status} {self.body[:200]!r}>"

    @property
    def framed_by_length(self) -> bool:
        """True where `Content-Length` alone says where the body ends."""
        return self.headers.get(b"Content-Length") is not None and self.headers.get(b"Transfer-Encoding") is None


_SHORT = 1024
"""Bytes of an acknowledgement that are kept at most."""

_NOTHING = b"\0"
"""With which no answer begins."""


class AnswerReader:
    """Reads the answers out of one connection's bytes. The `on_…` methods are httptools' callbacks.

    Lambda says nearly the same all the time, and what is the same need not be parsed again: it acknowledges every
    response with the same bytes, as long as its `Date` stays the same, and the heads of its events differ in their
    values only. So the last acknowledgement and the last head are kept, and tried where an answer begins.
    """

    __slots__ = ("_acknowledgement", "_answers", "_between", "_body", "_headers", "_parser", "_repeated", "_shape")

    def __init__(self) -> None:
        self._answers: list[ApiAnswer] = []
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)
        self._between = True
        """True where the next byte begins an answer."""
        self._repeated = _NOTHING
        self._acknowledgement: ApiAnswer | None = None
        self._shape: HeadShape | None = None

    def receive(self, data: bytes) -> list[ApiAnswer]:
        """Take bytes as they come; give the answers that they complete. Raises `RuntimeApiUnreachable`."""
        if not self._between:
            return self._parse(data)
        answers = []
        start = 0
        if data.startswith(self._repeated) and self._acknowledgement is not None:
            answers.append(self._acknowledgement)
            start = len(self._repeated)
            if start == len(data):
                return answers
        if self._shape is not None and (event := self._shape.read(data, start)) is not None:
            answers.append(ApiAnswer(200, *event, True))
            return answers
        if start:
            return answers + self._parse(data[start:])
        answers = self._parse(data)
        if answers and answers[0].status == 202:
            self._remember(data, answers[0])
        return answers

    def _parse(self, data: bytes) -> list[ApiAnswer]:
        self._feed(data)
        answers, self._answers = self._answers, []
        return answers

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise RuntimeApiUnreachable(f"The Runtime API sent what is not HTTP ({error}): {data[:80]!r}") from error

    def _remember(self, data: bytes, answer: ApiAnswer) -> None:
        """Keep the bytes of the answer that `data` begins with, where it is plain where they end."""
        end = data.find(b"\r\n\r\n") + 4 + len(answer.body)
        if answer.keep_alive and answer.framed_by_length and end <= _SHORT and data.startswith(b"HTTP/1.1 202 "):
            self._repeated, self._acknowledgement = data[:end], answer

    def on_message_begin(self) -> None:
        """Start a new answer."""
        self._between = False
        self._headers = {}
        self._body = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep one header, under the name as it came."""
        self._headers[name] = value

    def on_body(self, piece: bytes) -> None:
        """Keep one piece of the body."""
        self._body.append(piece)

    def on_message_complete(self) -> None:
        """Put the answer together. Interim answers (1xx) are not answers to anything."""
        self._between = True
        status = self._parser.get_status_code()
        if status < 200:
            return
        if status == 200:
            self._shape = shape_of(tuple(self._headers))
        body = self._body
        whole = body[0] if len(body) == 1 else b"".join(body)
        self._answers.append(ApiAnswer(status, canonical(self._headers), whole, self._parser.should_keep_alive()))


def canonical(headers: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Give headers by their names as in `Content-Type`, which is how most come."""
    if all(map(bytes.istitle, headers)):
        return headers
    return {name.title(): value for name, value in headers.items()}
