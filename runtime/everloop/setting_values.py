"""The text of a setting to its value. What is wrong raises `ValueError`, whose text is what was expected."""

import math
import re
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

E = TypeVar("E", bound=StrEnum)

_MOST_SECONDS = 1_000_000
"""More than a week: what waits takes no number whatever."""


def choice(kind: type[E]) -> Callable[[str], E]:
    """Make the reader of a setting that has a few values."""

    def parse(value: str) -> E:
        try:
            return kind(value.strip().lower())
        except ValueError:
            raise ValueError(" or ".join(kind)) from None

    return parse


def is_address(text: str) -> bool:
    """Tell whether something can be connected to by this name: a host, perhaps with a port."""
    # Without a regular expression: to compile one costs every cold start more than this.
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, "80"
    is_host = host.split() == [host] and "/" not in host and (":" not in host or host.startswith("["))
    return is_host and port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536


def seconds(value: str) -> float:
    """Read a time that may be 0."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 <= number <= _MOST_SECONDS:
        raise ValueError(f"a number of seconds, 0 or more, at most {_MOST_SECONDS}")
    return number


def positive_seconds(value: str) -> float:
    """Read a time that may not be 0."""
    number = seconds(value)
    if number == 0:
        raise ValueError(f"a number of seconds, more than 0, at most {_MOST_SECONDS}")
    return number


def base_path(value: str) -> str:
    """Read where an application is mounted: with a slash before it and none after it, or nothing."""
    path = value.strip().strip("/")
    if "?" in path or "#" in path or "://" in path:
        raise ValueError("a path such as /api")
    return f"/{path}" if path else ""


def paths(value: str) -> tuple[str, ...]:
    """Read paths, with or without a query."""
    found = tuple(path.strip() for path in value.split(",") if path.strip())
    if not all(path.startswith("/") and not re.search(r"\s", path) for path in found):
        raise ValueError("paths separated by commas, such as /,/items?page=1")
    return found


def media_types(value: str) -> tuple[str, ...]:
    """Read media types, without parameters, to lower case."""
    names = tuple(name.strip().lower() for name in value.split(",") if name.strip())
    if not all(re.fullmatch(r"[^\s/;]+/[^\s/;]+", name) for name in names):
        raise ValueError("media types separated by commas, such as application/x-foo,text/x-bar")
    return names


def events(value: str) -> str:
    """Read where events go: a path, a handler, or `off`."""
    target = value.strip()
    if target.lower() == "off":
        return "off"
    is_path = re.fullmatch(r"/[!-~]*", target) is not None and "#" not in target
    if not is_path and not re.fullmatch(r"[\w./]+:\w+(\.\w+)*", target):
        raise ValueError("a path such as /events, a handler as module:attribute, or off")
    return target


def statuses(value: str) -> frozenset[int]:
    """Read HTTP statuses and ranges of them."""
    found: set[int] = set()
    for part in value.split(","):
        match = re.fullmatch(r"\s*(\d{3})\s*(?:-\s*(\d{3})\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 100 <= first <= last <= 599:
            raise ValueError("statuses and ranges separated by commas, such as 500,502-504")
        found.update(range(first, last + 1))
    return frozenset(found)


def sources(value: str) -> tuple[str, ...]:
    """Read the names of classes, as `module:Name`."""
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if not all(re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*", name) for name in names):
        raise ValueError("names of classes separated by commas, such as my_sources:IotRule")
    return names


def websocket_store(value: str) -> str:
    """Read where the handshakes of WebSockets are kept."""
    store = value.strip()
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    if not re.fullmatch(r"memory|dynamodb:[A-Za-z0-9_.-]{3,255}", store):
        raise ValueError("memory or dynamodb:TABLE, where TABLE is the name of a DynamoDB table")
    return store


def descriptor(value: str) -> int | None:
    """Read a file descriptor; None for anything else, as it is Lambda's variable and not the user's."""
    return int(value) if value.isascii() and value.isdigit() else None


def namespace(value: str) -> str:
    """Read a namespace of CloudWatch."""
    name = value.strip()
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
    if not re.fullmatch(r"[\w./#:-]{1,255}", name, re.ASCII) or name.startswith((":", "AWS/")):
        raise ValueError("at most 255 letters, digits and . - _ / # :, not beginning with a colon or AWS/")
    return name


def log_level(value: str) -> str | None:
    """Read a level; None for anything else, as for AWS's client."""
    level = value.strip().upper()
    return level if level in ("TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL") else None


def workers(value: str) -> int | None:
    """Read how many processes there are; None is one per processor."""
    if value.strip().lower() == "auto":
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 9 and int(value) >= 1):
        raise ValueError("auto or a whole number from 1 to AWS_LAMBDA_MAX_CONCURRENCY")
    return int(value)


def concurrency(value: str) -> int:
    """Read how many invocations there may be at a time."""
    if not (value.isascii() and value.isdigit() and len(value) <= 9 and 1 <= int(value) <= 10_000):
        raise ValueError("a whole number from 1 to 10000")
    return int(value)
