"""The head of an HTTP response that a plain handler streams: `everloop.http_stream()`."""

from collections.abc import AsyncIterable, Iterable, Mapping

from everloop.exchange import HOP_BY_HOP, fault_of_header

Piece = str | bytes
Body = Piece | Iterable[Piece] | AsyncIterable[Piece] | None
Headers = Mapping[str, str | Iterable[str]] | Iterable[tuple[str, str | Iterable[str]]]


class HttpStream:
    """What `http_stream()` makes; `headers` are lower-case names and values in order, cookies among them."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: list[tuple[str, str]], body: Body) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self) -> str:
        return f"<HttpStream {self.status} {self.headers}>"


def http_stream(status: int = 200, headers: Headers = (), cookies: Iterable[str] = (), body: Body = None) -> HttpStream:
    """Make the head of an HTTP response, to be yielded before the first piece of its body.

    `headers` are a mapping to a value or several, or pairs; `cookies` are whole `Set-Cookie` values. A handler that
    does not yield may return it, with `body`: text, bytes, or something that gives pieces of them. In buffered mode the
    response is put into the envelope of the event's source. Raises `ValueError` for a status outside of 100 to 999 and
    for headers that HTTP does not allow (a line break in a value), `TypeError` for headers that are no text.
    """
    if type(status) is bool or not 100 <= int(status) <= 999:
        raise ValueError(f"http_stream() was given status {status!r}, expected an int from 100 to 999")
    pairs: list[tuple[str, str]] = []
    for name, values in headers.items() if isinstance(headers, Mapping) else headers:
        for value in (values,) if isinstance(values, str) else values:
            if not isinstance(name, str) or not isinstance(value, str):
                raise TypeError(f"http_stream() was given the header {name!r}: {value!r}, expected text")
            if name.lower() not in HOP_BY_HOP:
                pairs.append((name.lower(), value))
    if isinstance(cookies, str):
        raise TypeError("http_stream() was given cookies as text, expected a list of Set-Cookie values")
    pairs += [("set-cookie", cookie) for cookie in cookies]
    for name, value in pairs:
        if (fault := fault_of_header(name, value)) is not None:
            raise ValueError(f"http_stream() was given {fault}")
    return HttpStream(int(status), pairs, body)
