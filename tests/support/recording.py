"""What the scripted Runtime API has seen: requests, their bytes, and when each came."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from support.connection import Connection

KEEP = 32 * 1024 * 1024  # bytes of one request that are kept; what comes after is counted only


@dataclass(frozen=True)
class Piece:
    """What one `recv` gave. `segments`: TCP segments with data that the connection had received by then."""

    data: bytes
    at: float
    segments: int


@dataclass
class Chunk:
    """One chunk of a chunked body, as h11 cut it out."""

    started: float
    data: bytearray = field(default_factory=bytearray)
    size: int = 0
    ended: float = 0.0
    piece: int = 0  # the number of the piece that completed it


@dataclass(eq=False)
class Request:
    """One request to the Runtime API."""

    connection: Connection
    endpoint: str
    request_id: str | None
    method: str
    target: str
    raw_headers: list[tuple[bytes, bytes]]
    head: bytes
    head_piece: int
    received_at: float
    raw: bytes = b""
    size: int = 0
    content: bytearray = field(default_factory=bytearray)
    chunks: list[Chunk] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)
    completed_at: float | None = None
    broken_at: float | None = None
    answered_at: float | None = None
    status: int | None = None

    @property
    def body(self) -> bytes:
        return bytes(self.content)

    @property
    def complete(self) -> bool:
        return self.completed_at is not None

    @property
    def broken(self) -> bool:
        """The connection ended before the request did."""
        return self.broken_at is not None

    @property
    def request_line(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode()

    @property
    def headers(self) -> dict[str, str]:
        """The headers by lower-case name; a repeated one is a fault of the runtime."""
        names = [name.lower() for name, _ in self.raw_headers]
        assert len(names) == len(set(names)), f"repeated header in {self.head!r}"
        return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in self.raw_headers}

    def json(self) -> Any:
        return json.loads(self.body)

    def prelude(self) -> dict[str, Any]:
        """The JSON before the eight NUL bytes of a streamed HTTP answer."""
        head, delimiter, _ = self.body.partition(b"\0" * 8)
        assert delimiter, f"no eight NUL bytes in {self.body[:400]!r}"
        prelude: dict[str, Any] = json.loads(head)
        return prelude

    def stream(self) -> bytes:
        """What follows the eight NUL bytes."""
        _, delimiter, rest = self.body.partition(b"\0" * 8)
        assert delimiter, f"no eight NUL bytes in {self.body[:400]!r}"
        return rest

    def trailer_error(self) -> dict[str, Any]:
        """The error JSON that the trailers carry in base64."""
        encoded = self.trailers["lambda-runtime-function-error-body"]
        error: dict[str, Any] = json.loads(base64.b64decode(encoded, validate=True))
        return error

    def describe(self) -> str:
        state = f"complete, {self.size} bytes" if self.complete else "broken" if self.broken else f"{self.size} bytes…"
        answer = f"-> {self.status}" if self.status else "-> no answer yet"
        return f"{self.received_at:.3f} #{self.connection.number} {self.method} {self.target} ({state}) {answer}"


def now() -> float:
    """The clock of all recorded times."""
    return time.monotonic()
