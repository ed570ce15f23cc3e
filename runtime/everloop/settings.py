"""What the environment asked for, read once, with all of its faults reported together."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Self, TypeVar

from everloop.errors import InvalidSettings

E = TypeVar("E", bound=StrEnum)

PREFIX = "EVERLOOP_"

_MOST_SECONDS = 1_000_000
"""More than a week: what waits takes no number whatever."""


class ResponseMode(StrEnum):
    """EVERLOOP_RESPONSE_MODE: the invoke mode that the function's URL or API is configured with."""

    BUFFERED = "buffered"
    STREAMING = "streaming"


class Interface(StrEnum):
    """EVERLOOP_INTERFACE: what kind of object the handler is."""

    AUTO = "auto"
    ASGI = "asgi"
    WSGI = "wsgi"
    HANDLER = "handler"


class Lifespan(StrEnum):
    """EVERLOOP_LIFESPAN: whether the application has a lifespan."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class Loop(StrEnum):
    """EVERLOOP_LOOP: the event loop's implementation."""

    AUTO = "auto"
    UVLOOP = "uvloop"
    ASYNCIO = "asyncio"


class Extension(StrEnum):
    """EVERLOOP_EXTENSION: whether an internal extension is registered."""

    AUTO = "auto"
    OFF = "off"


class Switch(StrEnum):
    """A setting that is on or off."""

    ON = "on"
    OFF = "off"


class Metrics(StrEnum):
    """EVERLOOP_METRICS: whether a record of metrics is written for every invocation."""

    OFF = "off"
    EMF = "emf"


class LogFormat(StrEnum):
    """AWS_LAMBDA_LOG_FORMAT."""

    TEXT = "text"
    JSON = "json"


class Settings(NamedTuple):
    """Every setting, valid. The names in the environment are the fields' in capitals with EVERLOOP_ before them.

    No dataclass: to make its methods costs a cold start 2 ms.
    """

    # What AWS sets.
    runtime_api: str
    handler: str
    """Not looked at here: what is wrong with it has an error type of its own."""
    task_root: str | None = None
    log_format: LogFormat = LogFormat.TEXT
    log_level: str | None = None
    max_concurrency: int | None = None
    """Slots of a Managed Instances environment; None on classic Lambda."""
    log_socket: str | None = None
    """Where worker processes connect their output to."""
    telemetry: int | None = None
    """The descriptor that log records are written to as frames."""
    initialization_type: str | None = None
    """`on-demand`, `provisioned-concurrency`, `snap-start` or `lambda-managed-instances`."""
    function_name: str | None = None

    # What the user sets.
    interface: Interface = Interface.AUTO
    response_mode: ResponseMode = ResponseMode.BUFFERED
    lifespan: Lifespan = Lifespan.AUTO
    startup_timeout: float = 0.0
    warmup: tuple[str, ...] = ()
    base_path: str = ""
    text_types: tuple[str, ...] = ()
    events: str = "/events"
    """Where events go that are not HTTP: a path, `module:attribute`, or `off`."""
    error_statuses: frozenset[int] = frozenset()
    deadline_margin: float = 0.25
    shutdown_timeout: float = 0.45
    workers: int | None = 1
    """None: one per processor, at most one per slot."""
    loop: Loop = Loop.AUTO
    extension: Extension = Extension.AUTO
    access_log: Switch = Switch.OFF
    sources: tuple[str, ...] = ()
    websocket_store: str = "memory"
    metrics: Metrics = Metrics.OFF
    metrics_namespace: str = "everloop"

    unknown: tuple[str, ...] = ()
    """A warning for each EVERLOOP_… name that means nothing."""

    @property
    def slots(self) -> int:
        """How many invocations there may be at a time."""
        return self.max_concurrency or 1

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], arguments: Sequence[str] = ()) -> Self:
        """Read the environment and the arguments of `bootstrap`. Raises `InvalidSettings`, which lists every fault."""
        faults: list[str] = []
        values: dict[str, Any] = {}
        for name, parse in _PARSERS.items():
            value = environ.get(name, "")
            if value == "":
                continue  # set to nothing is how a template leaves a setting out
            try:
                values[_field(name)] = parse(value)
            except ValueError as expected:
                faults.append(f"{name}={value!r}: expected {expected}")
        slots = values.get("max_concurrency", 1)
        if (values.get("workers") or 1) > slots:
            faults.append(
                f"EVERLOOP_WORKERS={environ['EVERLOOP_WORKERS']!r}: expected auto or at most {slots}, "
                "AWS_LAMBDA_MAX_CONCURRENCY (which is 1 outside of Managed Instances): a worker needs a slot"
            )
        runtime_api = environ.get("AWS_LAMBDA_RUNTIME_API", "")
        if not runtime_api:
            faults.append(
                "AWS_LAMBDA_RUNTIME_API is not set: bootstrap runs inside Lambda or under an emulator, which sets it"
            )
        elif not is_address(runtime_api):
            faults.append(
                f"AWS_LAMBDA_RUNTIME_API={runtime_api!r}: expected a host and a port, no scheme, such as 127.0.0.1:9001"
            )
        if faults:
            # A name that is misspelt is no fault by itself, and may be why a value is missing.
            raise InvalidSettings([*faults, *_unknown(environ)])
        return cls(
            runtime_api=runtime_api,
            handler=arguments[0] if arguments else environ.get("_HANDLER", ""),
            task_root=environ.get("LAMBDA_TASK_ROOT") or None,
            telemetry=_descriptor(environ.get("_LAMBDA_TELEMETRY_LOG_FD", "")),
            initialization_type=environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") or None,
            function_name=environ.get("AWS_LAMBDA_FUNCTION_NAME") or None,
            log_socket=environ.get("_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET") or None,
            unknown=tuple(_unknown(environ)),
            **values,
        )


def is_address(text: str) -> bool:
    """Tell whether something can be connected to by this name: a host, perhaps with a port."""
    # Without a regular expression: to compile one costs every cold start more than this.
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, "80"
    is_host = host.split() == [host] and "/" not in host and (":" not in host or host.startswith("["))
    return is_host and port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536


def changed(settings: Settings) -> list[str]:
    """Give `NAME=value` for every setting of the user's that is not the default."""
    given = []
    for name in _PARSERS:
        value = getattr(settings, _field(name))
        if name.startswith(PREFIX) and value != Settings._field_defaults[_field(name)]:
            given.append(f"{name}={_shown(value)}")
    return given


def _shown(value: object) -> str:
    if value is None:
        return "auto"
    if isinstance(value, frozenset | tuple):
        return ",".join(map(str, sorted(value)))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _field(name: str) -> str:
    return name.removeprefix(PREFIX).removeprefix("AWS_LAMBDA_").lower()


def _unknown(environ: Mapping[str, str]) -> list[str]:
    strangers = [name for name in environ if name.startswith(PREFIX) and name not in _PARSERS]
    if not strangers:
        return []
    from difflib import get_close_matches  # a mistake pays for the import, nobody else

    known = [name.removeprefix(PREFIX) for name in _PARSERS if name.startswith(PREFIX)]
    warnings = []
    for name in sorted(strangers):
        near = get_close_matches(name.removeprefix(PREFIX), known, 1)
        warnings.append(f"{name} is no setting of everloop" + (f": did you mean {PREFIX}{near[0]}?" if near else ""))
    return warnings


def _choice(kind: type[E]) -> Callable[[str], E]:
    def parse(value: str) -> E:
        try:
            return kind(value.strip().lower())
        except ValueError:
            raise ValueError(" or ".join(kind)) from None

    return parse


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _MOST_SECONDS:
        raise ValueError(f"a number of seconds, 0 or more, at most {_MOST_SECONDS}")
    return seconds


def _positive_seconds(value: str) -> float:
    seconds = _seconds(value)
    if seconds == 0:
        raise ValueError(f"a number of seconds, more than 0, at most {_MOST_SECONDS}")
    return seconds


def _base_path(value: str) -> str:
    path = value.strip().strip("/")
    if "?" in path or "#" in path or "://" in path:
        raise ValueError("a path such as /api")
    return f"/{path}" if path else ""


def _paths(value: str) -> tuple[str, ...]:
    paths = tuple(path.strip() for path in value.split(",") if path.strip())
    if not all(path.startswith("/") and not re.search(r"\s", path) for path in paths):
        raise ValueError("paths separated by commas, such as /,/items?page=1")
    return paths


def _media_types(value: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in value.split(",") if name.strip())
    if not all(re.fullmatch(r"[^\s/;]+/[^\s/;]+", name) for name in names):
        raise ValueError("media types separated by commas, such as application/x-foo,text/x-bar")
    return names


def _events(value: str) -> str:
    target = value.strip()
    if target.lower() == "off":
        return "off"
    is_path = re.fullmatch(r"/[!-~]*", target) is not None and "#" not in target
    if not is_path and not re.fullmatch(r"[\w./]+:\w+(\.\w+)*", target):
        raise ValueError("a path such as /events, a handler as module:attribute, or off")
    return target


def _statuses(value: str) -> frozenset[int]:
    statuses: set[int] = set()
    for part in value.split(","):
        match = re.fullmatch(r"\s*(\d{3})\s*(?:-\s*(\d{3})\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 100 <= first <= last <= 599:
            raise ValueError("statuses and ranges separated by commas, such as 500,502-504")
        statuses.update(range(first, last + 1))
    return frozenset(statuses)


def _sources(value: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if not all(re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*", name) for name in names):
        raise ValueError("names of classes separated by commas, such as my_sources:IotRule")
    return names


def _websocket_store(value: str) -> str:
    store = value.strip()
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
    if not re.fullmatch(r"memory|dynamodb:[A-Za-z0-9_.-]{3,255}", store):
        raise ValueError("memory or dynamodb:TABLE, where TABLE is the name of a DynamoDB table")
    return store


def _descriptor(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() else None


def _namespace(value: str) -> str:
    namespace = value.strip()
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
    if not re.fullmatch(r"[\w./#:-]{1,255}", namespace, re.ASCII) or namespace.startswith((":", "AWS/")):
        raise ValueError("at most 255 letters, digits and . - _ / # :, not beginning with a colon or AWS/")
    return namespace


def _log_format(value: str) -> LogFormat:
    # AWS's own client takes anything but JSON as text, and so must we: the variable is Lambda's, not the user's.
    return LogFormat.JSON if value.upper() == "JSON" else LogFormat.TEXT


def _log_level(value: str) -> str | None:
    level = value.strip().upper()
    return level if level in ("TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL") else None


def _workers(value: str) -> int | None:
    if value.strip().lower() == "auto":
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 9 and int(value) >= 1):
        raise ValueError("auto or a whole number from 1 to AWS_LAMBDA_MAX_CONCURRENCY")
    return int(value)


def _concurrency(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 9 and 1 <= int(value) <= 10_000):
        raise ValueError("a whole number from 1 to 10000")
    return int(value)


_PARSERS: dict[str, Callable[[str], Any]] = {
    "AWS_LAMBDA_LOG_FORMAT": _log_format,
    "AWS_LAMBDA_LOG_LEVEL": _log_level,
    "AWS_LAMBDA_MAX_CONCURRENCY": _concurrency,
    "EVERLOOP_INTERFACE": _choice(Interface),
    "EVERLOOP_RESPONSE_MODE": _choice(ResponseMode),
    "EVERLOOP_LIFESPAN": _choice(Lifespan),
    "EVERLOOP_STARTUP_TIMEOUT": _seconds,
    "EVERLOOP_WARMUP": _paths,
    "EVERLOOP_BASE_PATH": _base_path,
    "EVERLOOP_TEXT_TYPES": _media_types,
    "EVERLOOP_EVENTS": _events,
    "EVERLOOP_ERROR_STATUSES": _statuses,
    "EVERLOOP_DEADLINE_MARGIN": _seconds,
    "EVERLOOP_SHUTDOWN_TIMEOUT": _positive_seconds,
    "EVERLOOP_WORKERS": _workers,
    "EVERLOOP_LOOP": _choice(Loop),
    "EVERLOOP_EXTENSION": _choice(Extension),
    "EVERLOOP_ACCESS_LOG": _choice(Switch),
    "EVERLOOP_SOURCES": _sources,
    "EVERLOOP_WEBSOCKET_STORE": _websocket_store,
    "EVERLOOP_METRICS": _choice(Metrics),
    "EVERLOOP_METRICS_NAMESPACE": _namespace,
}
