"""The options that say which function is emulated, and what becomes of them."""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from everloop.dev.config import FunctionConfig
from everloop.dev.env_file import read_env_file
from everloop.dev.plan import MODE

F = TypeVar("F", bound=Callable[..., Any])

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

MODES = ("buffered", "streaming")


class _Seconds(click.FloatRange):
    """A range of numbers; "nan" is none of them, though it is neither below nor above it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds: float = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return seconds


SECONDS = _Seconds(min=0, min_open=True, max=900)
"""Lambda lets a function run for 15 minutes."""

_OPTIONS = (
    click.option(
        "--root",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=".",
        help="Folder that the code is found in: LAMBDA_TASK_ROOT.  [default: this one]",
    ),
    click.option(
        "--mode",
        type=click.Choice(MODES),
        help=f"How the function is invoked and answers.  [default: what {MODE} says, else buffered, as on Lambda]",
    ),
    click.option(
        "--timeout", type=SECONDS, default=30.0, show_default=True, help="Seconds that an invocation may take."
    ),
    click.option(
        "--init-timeout", type=SECONDS, default=10.0, show_default=True, help="Seconds that initialisation may take."
    ),
    click.option(
        "--memory",
        type=click.IntRange(128, 32_768),
        default=512,
        show_default=True,
        help="MB that the function is told it has.",
    ),
    click.option(
        "--env-file",
        "env_files",
        type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
        multiple=True,
        help="File of NAME=value lines for the function's environment; may be repeated.",
    ),
    click.option("--env", "env", metavar="NAME=VALUE", multiple=True, help="One variable of it; may be repeated."),
    click.option("--name", default="function", show_default=True, help="The function's name."),
    click.option("--region", default="us-east-1", show_default=True, help="The region that the function is told."),
    click.option("--snapstart", is_flag=True, help="Initialise, and restore as from a snapshot at the first call."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionOptions:
    """What was asked for on the command line."""

    handler: str
    root: Path
    mode: str | None
    timeout: float
    init_timeout: float
    memory: int
    env_files: tuple[Path, ...]
    env: tuple[str, ...]
    name: str
    region: str
    snapstart: bool

    def environ(self) -> dict[str, str]:
        """Read the function's own variables, the files' anew. Raises `ValueError` and `OSError`."""
        variables: dict[str, str] = {}
        for path in self.env_files:
            variables |= read_env_file(path)
        for given in self.env:
            name, equals, value = given.partition("=")
            if not (name and equals):
                raise ValueError(f"--env {given!r}: expected NAME=VALUE, such as --env TABLE=items")
            variables[name] = value
        return variables

    def config(self, environ: Mapping[str, str], **more: Any) -> FunctionConfig:
        """Give the function with these variables; `more` are fields of `FunctionConfig`. Raises `ValueError`."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"--name {self.name!r}: expected are up to 64 letters, digits, - and _, as on Lambda")
        mode = self.mode or environ.get(MODE) or os.environ.get(MODE) or "buffered"
        if mode.strip().lower() not in MODES:
            raise ValueError(f"{MODE}={mode!r}: expected buffered or streaming")
        mode = mode.strip().lower()
        return FunctionConfig(
            handler=self.handler,
            task_root=self.root.resolve(),
            name=self.name,
            region=self.region,
            timeout=self.timeout,
            init_timeout=self.init_timeout,
            memory=self.memory,
            streaming=mode == "streaming",
            snapstart=self.snapstart,
            environ={**environ, MODE: mode},
            **more,
        )


def function_options(command: F) -> F:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take(handler: str, options: dict[str, Any]) -> FunctionOptions:
    """Take the function's options out of all that a command was given."""
    names = [name for name in FunctionOptions.__dataclass_fields__ if name != "handler"]
    return FunctionOptions(handler=handler, **{name: options.pop(name) for name in names})


def checked_environ(options: FunctionOptions) -> dict[str, str]:
    """Read the function's own variables; what is wrong with them is wrong use of the command."""
    try:
        return options.environ()
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from error
