"""What a Runtime API tells the environment that it belongs to."""

from typing import Protocol

from everloop.dev.executions import Work


class Host(Protocol):
    """The environment that an API belongs to."""

    def polled(self) -> None:
        """The runtime waits for an event."""

    def finished(self, work: Work) -> None:
        """The runtime has polled again after an invocation."""

    def truncated(self, work: Work) -> None:
        """The connection ended within a response."""

    def initialisation_failed(self, error_type: str, payload: bytes) -> None:
        """The runtime has reported that it cannot start, or cannot go on after a restore."""

    def restorable(self) -> None:
        """The runtime is ready for a snapshot and waits to be restored."""

    def settled(self) -> None:
        """Something that was at work is no more: an extension, or an invocation of a runtime that polls ahead."""

    def disconnected(self) -> None:
        """The last connection has ended."""
