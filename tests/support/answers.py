"""What a test tells the scripted Runtime API to do with one request."""

import threading
from dataclasses import dataclass

ACCEPTED = b'{"status":"OK"}\n'


@dataclass(frozen=True)
class Stall:
    """Stop reading the request when `after` bytes of its body have come, until `until` is set."""

    after: int
    until: threading.Event


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: what, when and how.

    `after` is the number of body bytes that are read before the answer goes out: None waits for the whole request,
    0 answers as soon as the head is there. `hold` keeps the answer back until it is set. `close` says
    `Connection: close` and closes. `piece` writes at most so many bytes at a time. `partial` sends only so many bytes
    of the answer and closes the connection. `chunked` sends the body in chunks instead of with its length.
    """

    status: int = 202
    body: bytes = ACCEPTED
    headers: tuple[tuple[str, str], ...] = ()
    after: int | None = None
    hold: threading.Event | None = None
    close: bool = False
    piece: int | None = None
    partial: int | None = None
    chunked: bool = False
    stall: Stall | None = None


@dataclass(frozen=True)
class Drop:
    """Close the connection and never answer; `after` and `hold` as for Answer. `reset` makes it a TCP reset."""

    after: int | None = None
    hold: threading.Event | None = None
    reset: bool = False
    stall: Stall | None = None


Plan = Answer | Drop


def refusal(status: int, error_type: str, **how: object) -> Answer:
    """The Runtime API's "no", with the body that it sends."""
    body = f'{{"errorMessage":"{error_type} it was","errorType":"{error_type}"}}\n'.encode()
    return Answer(status=status, body=body, **how)  # type: ignore[arg-type]
