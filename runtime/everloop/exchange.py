"""One HTTP exchange, or the opening of a WebSocket, as values: what event sources and the ASGI side share."""

from everloop.errors import ProtocolError

Address = tuple[str, int]
RawHeaders = list[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(("transfer-encoding", "connection", "keep-alive"))
"""Headers about a connection, which a response does not take (RFC 9110, section 7.6.1)."""

_NAME = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
_CONTROL = frozenset(map(chr, (*range(0x09), *range(0x0A, 0x20), 0x7F)))
"""All but the tabulator."""


def fault_of_header(name: str, value: str) -> str | None:
    """Say what is wrong with a response's header, whose name is in lower case; None where nothing is.

    A line break in it would begin another header, or the body: whoever can write text into one could write a response
    of their own. RFC 9110, sections 5.1 and 5.5.
    """
    if not name or name.strip(_NAME):
        return f"a header named {name!r}, expected letters, digits and {_NAME[:15]}"
    if _CONTROL.isdisjoint(value):
        return None
    place, character = next((place, one) for place, one in enumerate(value) if one in _CONTROL)
    return (
        f"the header {name} with {character!r} at character {place} of its value: HTTP allows no control characters. "
        "Text from outside that was not encoded is the usual cause: quote it, or refuse it"
    )


def checked(told: str, name: str, value: str) -> str:
    """Give a header's value. Raises `ProtocolError` for one that HTTP does not allow; `told` is what has it.

    What has none but printable characters need not be asked about once its name is known.
    """
    fault = fault_of_header(name, value)
    if fault is not None:
        raise ProtocolError(f"{told} {fault}")
    return value


class HttpRequest:
    """A request, as an event source decoded it.

    `raw_path` and `path` include `root_path`, as the ASGI specification says. `headers` are lower-case names with one
    pair per value. Mutable and slotted because a frozen dataclass costs four times as much to make; where
    every microsecond counts it is made without keywords, which Python specialises.
    """

    __slots__ = (
        "body",
        "client",
        "headers",
        "method",
        "path",
        "query_string",
        "raw_path",
        "root_path",
        "scheme",
        "server",
    )

    def __init__(
        self,
        method: str,
        path: str,
        raw_path: bytes,
        headers: RawHeaders,
        root_path: str = "",
        query_string: bytes = b"",
        client: Address | None = None,
        server: Address | None = None,
        scheme: str = "https",
        body: bytes = b"",
    ) -> None:
        self.method = method
        self.path = path
        self.raw_path = raw_path
        self.root_path = root_path
        self.query_string = query_string
        self.headers = headers
        self.client = client
        self.server = server
        self.scheme = scheme
        self.body = body


def short_of(lacking: int) -> str:
    """Say that a body ended too early."""
    return (
        f"The response's body is {lacking} bytes shorter than its content-length says. A file that changed while it "
        "was sent, or a source that ended early, is the usual cause"
    )


class ResponseHead:
    """Status and headers of a response: lower-case names, values as text, in order, hop-by-hop headers removed."""

    __slots__ = ("headers", "status")

    def __init__(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.status = status
        self.headers = headers

    def __repr__(self) -> str:
        return f"<ResponseHead {self.status} {self.headers}>"

    def first(self, name: str) -> str | None:
        """Give the first value of a header, or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    @property
    def announced_length(self) -> int:
        """What `content-length` says; 0 where there is none, or one that is no sensible number."""
        length = self.first("content-length") or ""
        return int(length) if length.isdecimal() and len(length) < 19 else 0


class Handshake:
    """The request that opened a WebSocket, as an event source decoded it. Its path is always `/`."""

    __slots__ = ("client", "headers", "query_string", "scheme", "server", "subprotocols")

    def __init__(
        self,
        *,
        query_string: bytes,
        headers: RawHeaders,
        client: Address | None,
        server: Address | None,
        scheme: str,
        subprotocols: list[str],
    ) -> None:
        self.query_string = query_string
        self.headers = headers
        self.client = client
        self.server = server
        self.scheme = scheme
        self.subprotocols = subprotocols
