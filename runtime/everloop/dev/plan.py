"""What `everloop dev` was asked to do."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from everloop.dev.config import FunctionConfig
from everloop.dev.gateway.config import GatewayConfig

MODE = "EVERLOOP_RESPONSE_MODE"
"""The variable that tells a runtime how its function is invoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The function, what stands before it, and the server around both."""

    host: str
    port: int
    """0: any free one."""
    function: FunctionConfig
    gateway: GatewayConfig
    reload: bool
    patterns: tuple[str, ...]
    """Names of files whose change makes new environments."""
    env_files: tuple[Path, ...]
    """The files that the function's variables came from: watched as well, wherever they are."""
    reread: Callable[[], FunctionConfig]
    """Reads those files anew. Raises `ValueError` and `OSError`."""
    allowed: tuple[str, ...] = ()
    """Names that the inspector may be called by, besides addresses and localhost."""
