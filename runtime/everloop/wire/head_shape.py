"""The head of an event's answer, remembered: Lambda writes the same names in the same order every time."""

import re
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from everloop.headers import FIELDS, ShapedHeaders

STATUS_LINE = b"HTTP/1.1 200 OK\r\n"

LEARNED_AFTER = 8
"""Answers with the same names after which their shape is kept: it costs half a millisecond once."""

REMEMBERED = 64
"""Lists of names that are counted at most."""


class HeadShape:
    """The names of one head in their order; only the values are open.

    One regular expression then does what the parser does with ten calls. What does not match in every byte, or does
    not end with the bytes at hand, is left to the parser; so this never has to be right about anything unusual.
    """

    __slots__ = ("_fields", "_length", "_match", "_places")

    def __init__(self, names: tuple[bytes, ...]) -> None:
        """`names` as they came, `Content-Length` among them."""
        values = (
            rb"%b: (?![ \t])(%b)\r\n" % (re.escape(name), rb"\d{1,9}" if name == b"Content-Length" else rb"[^\r]*")
            for name in names
        )
        # The last group never takes part and so is None: the place of what did not come.
        self._match: Callable[[bytes, int], re.Match[bytes] | None] = re.compile(
            re.escape(STATUS_LINE) + b"".join(values) + rb"\r\n((?!))?"
        ).match
        self._places = {name: place for place, name in enumerate(names)}
        self._fields: Callable[..., Any] = itemgetter(*(self._places.get(name, len(names)) for name in FIELDS))
        self._length = self._places[b"Content-Length"]

    def read(self, data: bytes, start: int) -> tuple[ShapedHeaders, bytes] | None:
        """Give headers and body of the answer that begins at `start` and ends with `data`; None where it is another."""
        match = self._match(data, start)
        if match is None:
            return None
        values = match.groups()
        end = match.end()
        if len(data) - end != int(values[self._length]):
            return None
        return ShapedHeaders(values, self._places, self._fields(values)), data[end:]


_seen: dict[tuple[bytes, ...], int] = {}
_shapes: dict[tuple[bytes, ...], HeadShape] = {}
"""Shared by all connections: the same server is at their other end."""


def shape_of(names: tuple[bytes, ...]) -> HeadShape | None:
    """Give the shape of an answer 200 with these names, as they came, once it was seen often; None for any other.

    An answer whose length or end is told in another way than by `Content-Length` has none.
    """
    shape = _shapes.get(names)
    if shape is None and (names in _seen or len(_seen) < REMEMBERED):
        _seen[names] = seen = _seen.get(names, 0) + 1
        if seen == LEARNED_AFTER and _is_plain(names):
            shape = _shapes[names] = HeadShape(names)
    return shape


def _is_plain(names: tuple[bytes, ...]) -> bool:
    return (
        b"Content-Length" in names
        and all(map(bytes.istitle, names))
        and not {b"Transfer-Encoding", b"Connection"}.intersection(names)
    )
