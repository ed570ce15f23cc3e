"""Whether a response's body goes into its envelope as text or as base64."""

import binascii
from collections.abc import Iterable

from everloop.exchange import ResponseHead

_TEXT = frozenset(
    (
        "application/json",
        "application/javascript",
        "application/x-javascript",
        "application/xml",
        "application/yaml",
        "application/x-yaml",
        "application/toml",
        "application/graphql",
        "application/x-ndjson",
        "application/jsonl",
        "application/x-www-form-urlencoded",
        "image/svg+xml",
    )
)
_TEXT_SUFFIXES = ("+json", "+xml", "+yaml")
_TEXT_CHARSETS = frozenset(("utf-8", "utf8", "us-ascii", "ascii"))
_CACHED_TYPES = 128


class TextTypes:
    """Decides by content type; `extra` are further media types whose bodies are text (EVERLOOP_TEXT_TYPES)."""

    def __init__(self, extra: Iterable[str] = ()) -> None:
        self._text = _TEXT | {name.lower() for name in extra}
        self._known: dict[str, bool] = {}

    def encode(self, head: ResponseHead, body: bytes) -> tuple[str, bool]:
        """Give `(body, is_base64)` for the envelope."""
        if not body:
            return "", False
        content_type = None
        for name, value in head.headers:
            if name == "content-type":
                content_type = value
            elif name == "content-encoding":
                return binascii.b2a_base64(body, newline=False).decode("ascii"), True
        if content_type is None:
            is_text = True
        elif (known := self._known.get(content_type)) is None:
            is_text = self._is_text(content_type)
        else:
            is_text = known
        if is_text:
            try:
                return body.decode(), False
            except UnicodeDecodeError:
                pass  # the type said text, the bytes say otherwise: base64 carries them unharmed
        return binascii.b2a_base64(body, newline=False).decode("ascii"), True

    def _is_text(self, content_type: str) -> bool:
        """Look, and remember what was found."""
        is_text = self._look(content_type)
        if len(self._known) < _CACHED_TYPES:  # a multipart boundary makes every type a new one
            self._known[content_type] = is_text
        return is_text

    def _look(self, content_type: str) -> bool:
        media_type, _, parameters = content_type.partition(";")
        media_type = media_type.strip().lower()
        if media_type and not (
            media_type.startswith("text/") or media_type in self._text or media_type.endswith(_TEXT_SUFFIXES)
        ):
            return False
        for parameter in parameters.split(";"):
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset" and value.strip().strip("\"'").lower() not in _TEXT_CHARSETS:
                return False
        return True
