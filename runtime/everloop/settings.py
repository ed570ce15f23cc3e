"""What the environment asked for, read once, with all of its faults reported together."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Self

from everloop import setting_values as values_of
from everloop.errors import InvalidSettings

PREFIX = "EVERLOOP_"


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
        elif not values_of.is_address(runtime_api):
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
            telemetry=values_of.descriptor(environ.get("_LAMBDA_TELEMETRY_LOG_FD", "")),
            initialization_type=environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") or None,
            function_name=environ.get("AWS_LAMBDA_FUNCTION_NAME") or None,
            log_socket=environ.get("_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET") or None,
            unknown=tuple(_unknown(environ)),
            **values,
        )


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


def _log_format(value: str) -> LogFormat:
    # AWS's own client takes anything but JSON as text, and so must we: the variable is Lambda's, not the user's.
    return LogFormat.JSON if value.upper() == "JSON" else LogFormat.TEXT


_PARSERS: dict[str, Callable[[str], Any]] = {
    "AWS_LAMBDA_LOG_FORMAT": _log_format,
    "AWS_LAMBDA_LOG_LEVEL": values_of.log_level,
    "AWS_LAMBDA_MAX_CONCURRENCY": values_of.concurrency,
    "EVERLOOP_INTERFACE": values_of.choice(Interface),
    "EVERLOOP_RESPONSE_MODE": values_of.choice(ResponseMode),
    "EVERLOOP_LIFESPAN": values_of.choice(Lifespan),
    "EVERLOOP_STARTUP_TIMEOUT": values_of.seconds,
    "EVERLOOP_WARMUP": values_of.paths,
    "EVERLOOP_BASE_PATH": values_of.base_path,
    "EVERLOOP_TEXT_TYPES": values_of.media_types,
    "EVERLOOP_EVENTS": values_of.events,
    "EVERLOOP_ERROR_STATUSES": values_of.statuses,
    "EVERLOOP_DEADLINE_MARGIN": values_of.seconds,
    "EVERLOOP_SHUTDOWN_TIMEOUT": values_of.positive_seconds,
    "EVERLOOP_WORKERS": values_of.workers,
    "EVERLOOP_LOOP": values_of.choice(Loop),
    "EVERLOOP_EXTENSION": values_of.choice(Extension),
    "EVERLOOP_ACCESS_LOG": values_of.choice(Switch),
    "EVERLOOP_SOURCES": values_of.sources,
    "EVERLOOP_WEBSOCKET_STORE": values_of.websocket_store,
    "EVERLOOP_METRICS": values_of.choice(Metrics),
    "EVERLOOP_METRICS_NAMESPACE": values_of.namespace,
}
