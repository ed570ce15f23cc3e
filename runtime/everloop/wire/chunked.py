"""The chunked transfer coding (RFC 9112, section 7.1), as the sender writes it."""

from collections.abc import Sequence

CRLF = b"\r\n"
END = b"0\r\n\r\n"
"""The last chunk and an empty trailer section."""


SMALL = 16 * 1024
"""Bytes up to which copying them is cheaper than writing them as a piece of their own."""


def chunk(data: bytes) -> tuple[bytes, ...]:
    """Give the pieces of one chunk, to be written together. `data` must not be empty: that would end the body."""
    size = len(data)
    if size <= SMALL:
        return (b"%x\r\n%b\r\n" % (size, data),)
    return (b"%x\r\n" % size, data, CRLF)


def end_with(trailers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Give the last chunk and a trailer section."""
    return b"0\r\n%b\r\n" % b"".join(b"%b: %b\r\n" % pair for pair in trailers)
