"""`streaming.numbered` as handlers of other kinds: `PIECES` pieces of 64 KiB that begin with their numbers."""

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import everloop
from streaming import PIECE

REST = b"x" * (PIECE - 8)


def pieces() -> Iterator[bytes]:
    for number in range(int(os.environ["PIECES"])):
        yield number.to_bytes(8, "big") + REST


def generator(event: Any, context: Any) -> Iterator[Any]:
    yield everloop.http_stream()
    yield from pieces()


async def async_generator(event: Any, context: Any) -> AsyncIterator[Any]:
    yield everloop.http_stream()
    for piece in pieces():
        yield piece


def wsgi(environ: Any, start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return pieces()
