"""An application in an image without the extra `websocket`."""

import sys

from websocket_app import app

sys.modules["httpx"] = None  # type: ignore[assignment]  # how the import system says that there is none

__all__ = ["app"]
