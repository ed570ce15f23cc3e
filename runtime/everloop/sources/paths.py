"""Paths of events to `path` and `raw_path` (RFC 3986; ASGI HTTP spec, connection scope)."""

import re
from functools import lru_cache

_PLAIN = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/]*").fullmatch
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ALLOWED = "/:@!$&'()*+,;=~"


@lru_cache(maxsize=256)
def split_path(path: str) -> tuple[str, bytes]:
    """Give `(path, raw_path)` of a path that came percent-encoded.

    Characters that are not allowed are encoded, a `%` without two hex digits becomes `%25`, and what is then decoded
    once as UTF-8 is the path, with bytes that are no UTF-8 replaced. The last few paths are remembered.
    """
    if _PLAIN(path):
        return path or "/", path.encode("ascii") or b"/"
    # Only paths that need it pay for the import: it costs a cold start several milliseconds.
    from urllib.parse import quote, unquote_to_bytes

    raw = quote(_LONE_PERCENT.sub("%25", path), safe=_ALLOWED + "%", errors="replace").encode("ascii")
    return unquote_to_bytes(raw).decode("utf-8", "replace"), raw


def encode_path(path: str) -> bytes:
    """Give the `raw_path` of a path that came decoded."""
    if _PLAIN(path):
        return path.encode("ascii")
    from urllib.parse import quote

    return quote(path, safe=_ALLOWED, errors="replace").encode("ascii")


def stage_of(path: str, stage: object) -> str:
    """Give the part of an HTTP API's path that is its stage: a named one begins it, `$default` is in no URL."""
    if not isinstance(stage, str) or stage in ("", "$default"):
        return ""
    return f"/{stage}" if under(path, f"/{stage}") else ""


def under(path: str, prefix: str) -> bool:
    """Tell whether `path` lies under `prefix`, at a segment boundary."""
    return path.startswith(prefix) and (len(path) == len(prefix) or path[len(prefix)] == "/")
