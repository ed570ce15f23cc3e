"""What stands in front of the function: which of AWS's front ends, and how its owner would have set it up."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from everloop.dev.events.request import FrontEnd

SOURCES = ("function-url", "rest", "http-api", "http-api-1.0", "alb", "alb-multi", "lattice", "lattice-1")
"""The front ends that the gateway can be."""

WITH_STAGE = frozenset(("rest", "http-api", "http-api-1.0"))
"""Those whose URLs may carry a stage."""

CAN_STREAM = frozenset(("function-url", "rest"))
"""Those that can hand on a response as it comes."""


_BASE_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")

_PATIENCE = {"rest": 29.0, "http-api": 30.0, "http-api-1.0": 30.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """One front end. Raises `ValueError` for settings that it cannot have on AWS."""

    source: str = "function-url"
    """One of `SOURCES`."""
    stage: str | None = None
    """REST and HTTP APIs: the stage that the client's URL begins with (`/prod/items`). None: it carries none, as with
    a custom domain (REST, whose events then name the stage `prod`) or the stage `$default` (HTTP APIs)."""
    base_path: str = ""
    """The path that the client's URLs begin with: a custom domain's mapping, or the rule of a listener."""
    streaming: bool = False
    """True: the front end calls InvokeWithResponseStream. Only a Function URL and REST APIs can."""
    region: str = "us-east-1"
    account: str = "123456789012"
    integration_timeout: float | None = None
    """Seconds that the front end waits for a buffered answer. None: as on AWS, 29 for REST, 30 for HTTP APIs, and as
    long as the function may run for the others."""
    inspector: str | None = None
    """The path of the inspector page, to which the pages of errors link."""
    websocket_stage: str = "prod"
    """The stage of the WebSocket API that WebSocket connections arrive at."""
    route_selection: str = "action"
    """The key of a JSON message that names its route (`$request.body.action`)."""
    routes: frozenset[str] = frozenset()
    """Routes of the WebSocket API besides `$connect`, `$default` and `$disconnect`."""
    route_responses: frozenset[str] = frozenset()
    """Routes of the WebSocket API whose answers go to the client: those with a route response."""

    def __post_init__(self) -> None:
        """Refuse what no front end could be."""
        if self.source not in SOURCES:
            raise ValueError(f"There is no source {self.source!r}: it is one of {', '.join(SOURCES)}.")
        if self.stage is not None and self.source not in WITH_STAGE:
            raise ValueError(
                f"A stage was set ({self.stage!r}), but the source {self.source!r} has none: "
                f"only {', '.join(sorted(WITH_STAGE))} do."
            )
        if self.stage is not None and (not self.stage or "/" in self.stage):
            raise ValueError(f"The stage {self.stage!r} is not a single path segment, such as `prod`.")
        if not _BASE_PATH.fullmatch(self.base_path):
            written = quote(self.base_path, safe="/%")
            raise ValueError(f"The base path {self.base_path!r} is not as in a URL: {written!r} would be.")
        if not self.websocket_stage or "/" in self.websocket_stage:
            raise ValueError(f"The stage {self.websocket_stage!r} is not a single path segment, such as `prod`.")

    @property
    def can_stream(self) -> bool:
        """Say whether a response is handed on as it comes."""
        return self.streaming and self.source in CAN_STREAM

    @property
    def prefix(self) -> str:
        """What every path that the client asks for must begin with: `/prod`, `/shop` or nothing."""
        if base := self.base_path.strip("/"):
            return f"/{base}"
        return "" if self.stage is None else f"/{self.stage}"

    @property
    def patience(self) -> float | None:
        """Seconds until the front end gives up on a buffered answer; None is as long as it takes."""
        if self.integration_timeout is not None:
            return self.integration_timeout
        return _PATIENCE.get(self.source)

    @property
    def front_end(self) -> FrontEnd:
        """What events say of the front end."""
        return FrontEnd(
            region=self.region,
            account=self.account,
            stage=self.stage,
            base_path=self.prefix if self.base_path.strip("/") else "",
        )
