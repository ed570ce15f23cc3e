"""What an environment goes through, and what it tells the function that it belongs to."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from everloop.dev.journal import LogLine, Record

if TYPE_CHECKING:
    from everloop.dev.environments import Environment


class Phase(Enum):
    """Where an environment has got to."""

    STARTING = auto()
    """Its process has not polled yet. Goes to READY or ENDED."""
    SNAPSHOT = auto()
    """SnapStart: initialised, waiting for a call to be restored for. Goes to STARTING."""
    READY = auto()
    """It has polled. Goes to STOPPING or ENDED."""
    STOPPING = auto()
    """It gets no more calls, and its process is being ended. Goes to ENDED."""
    ENDED = auto()
    """Its process is no more."""


@dataclass(frozen=True, slots=True)
class StartFailure:
    """Why an environment did not get to its first poll."""

    error_type: str
    message: str
    """In Lambda's words; the request id comes before it."""
    payload: bytes | None = None
    """What the runtime itself has reported."""


class Owner(Protocol):
    """The function that an environment belongs to."""

    def freed(self, environment: "Environment") -> None:
        """An environment can take a call, or wants to be restored for one."""

    def gone(self, environment: "Environment", failure: "StartFailure | None") -> None:
        """An environment takes no more calls. `failure`: why it did not get to its first poll."""

    def ended(self, environment: "Environment") -> None:
        """Its process is no more."""

    def logged(self, environment: "Environment", line: LogLine, record: Record | None) -> None:
        """A process has written a line. `record` is the invocation that it belongs to, as far as one can tell."""
