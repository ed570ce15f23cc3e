"""The headers of an event: what Lambda says of an invocation beside the event itself."""

from collections.abc import Iterable
from typing import Protocol

FIELDS = (
    b"Lambda-Runtime-Aws-Request-Id",
    b"Lambda-Runtime-Invocation-Id",
    b"Lambda-Runtime-Trace-Id",
    b"Lambda-Runtime-Deadline-Ms",
    b"Lambda-Runtime-Client-Context",
)
"""Those that every invocation looks at."""


class Headers(Protocol):
    """What is asked of headers, be they a dictionary or what is cheaper to make. Names are as in `Content-Type`."""

    def get(self, name: bytes, /) -> bytes | None:
        """Give the value of a header, or None."""


class ShapedHeaders:
    """Headers as the values of a list of names that is known already. A dictionary would cost twice as much."""

    __slots__ = ("_places", "_values", "fields")

    def __init__(
        self,
        values: tuple[bytes | None, ...],
        places: dict[bytes, int],
        fields: tuple[bytes | None, bytes | None, bytes | None, bytes | None, bytes | None],
    ) -> None:
        """`places` are those of the names in `values`."""
        self._values = values
        self._places = places
        self.fields = fields
        """The values of `FIELDS`."""

    def get(self, name: bytes, /) -> bytes | None:
        """Give the value of a header, or None."""
        place = self._places.get(name)
        return None if place is None else self._values[place]

    @property
    def names(self) -> Iterable[bytes]:
        """The names, in order."""
        return self._places
