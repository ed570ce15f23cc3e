"""The entry of the command `everloop`, which says what to install where something that it needs is not here."""

import os
import signal
import sys
from types import FrameType

EXTRA = frozenset(("anyio", "click", "h11", "starlette", "uvicorn", "watchfiles", "websockets"))
"""What the extra `dev` brings, in `import` names. On Lambda none of it is installed."""

MISSING = "everloop: this command needs {name}, which is not installed: pip install 'everloop[dev]'\n"

INTERRUPTED = 130
"""The exit code of a program that SIGINT has ended, by the shells' convention."""


def main() -> int:
    """Run the command that the arguments name; give the exit code."""
    signal.signal(signal.SIGINT, _leave)  # until a command has started something, and has a handler of its own
    try:
        from everloop.dev.commands import everloop  # not at the top: click is of the extra

        everloop(prog_name="everloop")
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in EXTRA:
            raise
        sys.stderr.write(MISSING.format(name=name))
        return 1
    finally:
        signal.signal(signal.SIGINT, _pass_over)  # make sends one of its own when all is over
    return 0


def _leave(_signal: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)


def _pass_over(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing. A function, because Python complains of a signal that it finds set to SIG_IGN."""
