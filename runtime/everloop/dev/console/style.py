"""Colours, where they are wanted."""

from collections.abc import Mapping
from typing import TextIO

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36}


class Style:
    """Colours text; does nothing where colours are off."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    def __call__(self, text: str, *names: str) -> str:
        """Give the text in these colours."""
        if not self.enabled or not text:
            return text
        return f"\033[{';'.join(str(_CODES[name]) for name in names)}m{text}\033[0m"


def wanted(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether a stream should get colours: a terminal's, unless NO_COLOR or TERM says otherwise.

    https://no-color.org and https://force-color.org: set to anything but nothing.
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"
