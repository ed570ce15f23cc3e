"""Whether a text is JSON that Lambda takes as an event."""

import json
from typing import NoReturn


def check_json(text: str | bytes) -> None:
    """Raise `ValueError`, with a message for the user, for what is not JSON: Python's own NaN and Infinity are not."""
    try:
        json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("its lists and objects are nested too deeply to be read") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it has {constant}, which only Python takes for JSON")
