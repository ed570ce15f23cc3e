"""Query strings out of the parsed parameters that some sources bring instead."""

import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[A-Za-z0-9\-._~]*").fullmatch


def encode_query(pairs: Iterable[tuple[str, str]]) -> bytes:
    """Encode decoded pairs again, in order. A space becomes `%20`, which every parser takes."""
    return "&".join(f"{_quoted(key)}={_quoted(value)}" for key, value in pairs).encode("ascii")


def _quoted(text: str) -> str:
    if _PLAIN(text):
        return text
    from urllib.parse import quote

    return quote(text, safe="", errors="replace")
