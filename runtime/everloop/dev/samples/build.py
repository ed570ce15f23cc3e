"""One sample event by its source's name."""

from collections.abc import Iterable
from typing import Any

HTTP_SAMPLES = ("function-url", "http-api", "http-api-1.0", "rest", "alb", "alb-multi", "lattice", "lattice-1")
"""Sources whose samples take a method, a path, a query, headers and a body."""

SAMPLES = (
    *HTTP_SAMPLES,
    "websocket-connect",
    "websocket-message",
    "websocket-disconnect",
    "sqs",
    "sns",
    "s3",
    "dynamodb",
    "kinesis",
    "eventbridge",
    "schedule",
)
"""Every source there is a sample of."""


def sample_event(
    source: str,
    *,
    method: str | None = None,
    path: str | None = None,
    query: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    body: str | bytes | None = None,
    stage: str | None = None,
) -> dict[str, Any]:
    """Give a sample event of one of `SAMPLES`, as AWS would send it now.

    `path` may have a query (`/items?page=1`), to which `query` is added; both are written as in a URL. A body may be
    given to `sqs`, `sns`, `kinesis`, `eventbridge` and `websocket-message` as well: their message, data or detail.
    Raises `ValueError`, with a message for the user, for an unknown source and for an option that it does not have.
    """
    raise NotImplementedError
