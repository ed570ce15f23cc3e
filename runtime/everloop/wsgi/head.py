"""What `start_response()` is given to response heads (PEP 3333)."""

from everloop.errors import ProtocolError
from everloop.exchange import HOP_BY_HOP, ResponseHead, checked

GIVEN = "start_response() was given"


def response_head(status: str, headers: list[tuple[str, str]]) -> ResponseHead:
    """Read status and headers. Raises `ProtocolError` for what is not as PEP 3333 has it, or not allowed by HTTP.

    A bytes-as-unicode value goes to Lambda as the characters that latin-1 has for its bytes, as ASGI's do. Spaces
    around a value are not part of it, and on the wire nobody sees them; Django's cookies begin with one.
    """
    try:
        number = int(status[:3])
        try:
            # Without a call of ours for each: nearly always every name is known.
            pairs = [
                (text, bare if (bare := value.strip(" \t")).isprintable() else checked(GIVEN, text, bare))
                for name, value in headers
                if (text := _names[name]) is not None
            ]
        except KeyError:
            pairs = _read(headers)
    except (AttributeError, TypeError, ValueError) as error:
        raise ProtocolError(
            f"start_response() was given {status!r} and {headers!r}, expected a status such as '200 OK' and a list of "
            "pairs of text"
        ) from error
    if number < 100:
        raise ProtocolError(f"start_response() was given status {status!r}, expected 100 to 999")
    return ResponseHead(number, pairs)


_names: dict[str, str | None] = {}
"""Header names in lower case, None for those that are dropped: valid ones. The same few come again; the first stay."""

_REMEMBERED = 512


def _read(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Read headers one by one, and remember their names."""
    pairs = []
    for name, value in headers:
        text = name.lower()
        bare = checked(GIVEN, text, value.strip(" \t"))
        if len(_names) < _REMEMBERED:
            _names[name] = None if text in HOP_BY_HOP else text
        if text not in HOP_BY_HOP:
            pairs.append((text, bare))
    return pairs
