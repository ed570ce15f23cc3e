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
    def headers(self) -> dict[bytes, bytes]:
        """The headers by their names as Go's servers, and so Lambda's, write them: `Content-Type`.

        Of two answers to an invocation only one is ever asked for them, and that one needs no change.
        """
        if all(map(bytes.istitle, self._headers)):
            return self._headers
        return {name.title(): value for name, value in self._headers.items()}


class AnswerReader:
    """Reads the answers out of one connection's bytes. The `on_…` methods are httptools' callbacks."""

    __slots__ = ("_answers", "_body", "_headers", "_parser")

    def __init__(self) -> None:
        self._answers: list[ApiAnswer] = []
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    def receive(self, data: bytes) -> list[ApiAnswer]:
        """Take bytes as they come; give the answers that they complete. Raises `RuntimeApiUnreachable`."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise RuntimeApiUnreachable(f"The Runtime API sent what is not HTTP ({error}): {data[:80]!r}") from error
        answers, self._answers = self._answers, []
        return answers

    def on_message_begin(self) -> None:
        """Start a new answer."""
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
        status = self._parser.get_status_code()
        if status < 200:
            return
        body = self._body
        whole = body[0] if len(body) == 1 else b"".join(body)
        self._answers.append(ApiAnswer(status, self._headers, whole, self._parser.should_keep_alive()))
