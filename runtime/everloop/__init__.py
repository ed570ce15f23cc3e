"""everloop: an AWS Lambda runtime that keeps one event loop and one warmed application."""

from everloop import startup  # noqa: F401 - first, because it notes when
from everloop.after_response import after_response
from everloop.background import wait_until
from everloop.errors import ClientDisconnected, EverloopError, ProtocolError
from everloop.http_stream import http_stream
from everloop.invocation import Invocation, current_invocation
from everloop.snapshots import after_restore, before_snapshot

__version__ = "0.1.0"

__all__ = [
    "ClientDisconnected",
    "EverloopError",
    "Invocation",
    "ProtocolError",
    "__version__",
    "after_response",
    "after_restore",
    "before_snapshot",
    "current_invocation",
    "http_stream",
    "wait_until",
]
