"""What `everloop dev` writes to the terminal: `Console`."""

from everloop.dev.console.terminal import Console

__all__ = ["Console"]
