"""Bytes from the Runtime API to answers. Where the network cuts the bytes does not change what was said."""

import httptools

from everloop.errors import RuntimeApiUnreachable


class ApiAnswer:
    """One whole HTTP answer of the Runtime API."""

    __slots__ = ("_headers", "body", "keep_alive", "status")

    def __init__(self, status: int, headers: dict[bytes, bytes], body: bytes, keep_alive: bool) -> None:
        self.status = status
        self._headers = headers
        self.body = body
        self.keep_alive = keep_alive

    def __repr__(self) -> str:
        return f"<ApiAnswer {self.status} {self.body[:200]!r}>"

    @property
    def framed_by_length(self) -> bool:
        """True where `Content-Length` alone says where the body ends."""
        names = {name.title() for name in self._headers}
        return b"Content-Length" in names and b"Transfer-Encoding" not in names

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The headers by their names as Go's servers, and so Lambda's, write them: `Content-Type`.

        Of two answers to an invocation only one is ever asked for them, and that one needs no change.
        """
        names = tuple(self._headers)
        if names in _canonical:
            return self._headers
        if all(map(bytes.istitle, names)):
            if len(_canonical) < _REMEMBERED:
                _canonical.add(names)
            return self._headers
        return {name.title(): value for name, value in self._headers.items()}


_canonical: set[tuple[bytes, ...]] = set()
"""Lists of names that need no change: events come with the same few, and looking here is cheaper than at each name."""

_REMEMBERED = 64
"""Lists that are kept at most."""


_SHORT = 1024
"""Bytes of an acknowledgement that are kept at most."""

_NOTHING = b"\0"
"""With which no answer begins."""


class AnswerReader:
    """Reads the answers out of one connection's bytes. The `on_…` methods are httptools' callbacks.

    Lambda acknowledges every response with the same bytes, as long as its `Date` stays the same. So the last
    acknowledgement is kept: the same bytes, where an answer begins, are the same answer and need not be parsed again.
    """

    __slots__ = ("_acknowledgement", "_answers", "_between", "_body", "_headers", "_parser", "_repeated")

    def __init__(self) -> None:
        self._answers: list[ApiAnswer] = []
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)
        self._between = True
        """True where the next byte begins an answer."""
        self._repeated = _NOTHING
        self._acknowledgement: ApiAnswer | None = None

    def receive(self, data: bytes) -> list[ApiAnswer]:
        """Take bytes as they come; give the answers that they complete. Raises `RuntimeApiUnreachable`."""
        between = self._between
        if between and data.startswith(self._repeated) and self._acknowledgement is not None:
            answers = [self._acknowledgement]
            data = data[len(self._repeated) :]
            if data:
                self._feed(data)
                answers += self._answers
                self._answers = []
            return answers
        self._feed(data)
        answers, self._answers = self._answers, []
        if between and answers and answers[0].status == 202:
            self._remember(data, answers[0])
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
        body = self._body
        whole = body[0] if len(body) == 1 else b"".join(body)
        self._answers.append(ApiAnswer(status, self._headers, whole, self._parser.should_keep_alive()))
