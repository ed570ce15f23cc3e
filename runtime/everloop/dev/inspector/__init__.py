"""The page at `/_everloop/`, served by `inspector_app`: what every invocation was, and when each of its bytes left."""

from everloop.dev.inspector.app import PREFIX, Inspector, inspector_app

__all__ = ["PREFIX", "Inspector", "inspector_app"]
