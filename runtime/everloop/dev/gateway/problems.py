"""What went wrong, in words for a developer."""

from dataclasses import dataclass
from typing import Any

import orjson

from everloop.dev.gateway.answers.prelude import CONTENT_TYPE
from everloop.dev.gateway.config import GatewayConfig

NO_PRELUDE = (
    f"A REST API that streams needs a response of the type {CONTENT_TYPE}, which begins with a prelude; this one is of "
    "another: set EVERLOOP_RESPONSE_MODE=streaming for the function."
)

ADVICE = "The documentation of the source says what it takes; the inspector shows what it got."


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, for a reader."""

    kind: str
    message: str
    trace: str

    @classmethod
    def of(cls, error_type: str, payload: bytes) -> "Problem":
        """Read an error's JSON: `errorType`, `errorMessage`, `stackTrace`, where it has them."""
        try:
            document: Any = orjson.loads(payload)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            return cls(error_type, payload.decode("utf-8", "replace"), "")
        trace = document.get("stackTrace")
        lines = [str(line).rstrip("\n") for line in trace] if isinstance(trace, list) else [str(trace or "")]
        return cls(
            str(document.get("errorType") or error_type),
            str(document.get("errorMessage") or ""),
            "\n".join(lines),
        )


def too_large(what: str) -> Problem:
    """A request is over a limit."""
    return Problem(
        "RequestEntityTooLarge", f"{what}. Upload large files to S3 with a presigned URL, or in several requests.", ""
    )


def elsewhere(path: str, config: GatewayConfig) -> Problem:
    """A path is not under the stage or the base path."""
    what = "base path" if config.base_path.strip("/") else "stage"
    return Problem(
        "NotUnderStage" if what == "stage" else "NotUnderBasePath",
        f"{path} is not under the {what}: every path of this gateway begins with {config.prefix}.",
        "",
    )


def impatient(config: GatewayConfig) -> Problem:
    """The front end has waited as long as it does."""
    return Problem(
        "Gateway.IntegrationTimeout",
        f"The function did not answer within the {config.patience:g} seconds that the source {config.source} waits. "
        "As on AWS it goes on working: its own timeout has not passed.",
        "",
    )


def malformed(reason: str) -> Problem:
    """What the function returned is no response for this front end."""
    return Problem("Gateway.MalformedAnswer", f"{reason} {ADVICE}", "")
