"""`everloop invoke`: one invocation, its answer on standard output as Lambda would return it."""

import sys
from pathlib import Path
from typing import Any

import click

from everloop.dev.commands.options import checked_environ, function_options, take
from everloop.dev.json_text import check_json

LIMIT = 6 * 1024 * 1024
"""Bytes of an event: Lambda takes no more."""


@click.command(no_args_is_help=True)
@click.argument("handler")
@click.argument("event", type=click.Path(allow_dash=True, dir_okay=False, path_type=Path), metavar="EVENT.json|-")
@function_options
def invoke(handler: str, event: Path, **given: Any) -> None:
    """Invoke HANDLER once with an event out of a file, or out of standard input with `-`.

    The answer goes to standard output, as Lambda would return it; what the runtime logs goes to standard error. The
    exit status is 0 for an answer, 1 for a failed invocation (its error is the output then), 2 for wrong use.

    \b
    everloop invoke main:app event.json
    everloop event sqs | everloop invoke main.handler -
    """
    options = take(handler, given)
    environ = checked_environ(options)
    try:
        config = options.config(environ)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    payload = _read(event)
    from everloop.dev.once import invoke_once  # the emulator's imports, after what may be wrong has been said

    raise SystemExit(invoke_once(config, payload))


def _read(path: Path) -> bytes:
    """Read an event; it must be JSON."""
    named = "standard input" if str(path) == "-" else str(path)
    try:
        payload = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise click.UsageError(
            f"The event cannot be read: {named}: {error.strerror}. `everloop event function-url > {path}` makes one."
        ) from error
    try:
        check_json(payload)
    except ValueError as error:
        raise click.UsageError(f"The event in {named} is not JSON: {error}") from error
    if len(payload) > LIMIT:
        raise click.UsageError(f"The event in {named} has {len(payload):,} bytes: Lambda takes {LIMIT:,} at most.")
    return payload
