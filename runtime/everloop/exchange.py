"""One HTTP exchange, or the opening of a WebSocket, as values: what event sources and the ASGI side share."""

Address = tuple[str, int]
RawHeaders = list[tuple[bytes, bytes]]


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
