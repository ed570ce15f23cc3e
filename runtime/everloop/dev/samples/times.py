"""Times as AWS's services write them."""

import time

from everloop.dev.events.request import Arrival


def iso(arrival: Arrival, *, milliseconds: bool = False) -> str:
    """Give `2026-01-12T21:44:19Z`, or with milliseconds `2026-01-12T21:44:19.123Z`."""
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(arrival.seconds))
    return f"{text}.{arrival.milliseconds % 1000:03d}Z" if milliseconds else f"{text}Z"
