"""`everloop event`: a sample event of a source, as AWS would send it."""

import json
import sys
from pathlib import Path

import click

from everloop.dev.samples import SAMPLES, sample_event


@click.command(no_args_is_help=True)
@click.argument("source", type=click.Choice(SAMPLES), metavar="SOURCE")
@click.option("--method", "-X", help="HTTP method.  [default: GET, or POST with a body]")
@click.option("--path", help="Path, as in a URL; it may have a query.")
@click.option("--query", help="Query string, as in a URL.")
@click.option("--header", "-H", "headers", metavar="'NAME: VALUE'", multiple=True, help="May be repeated.")
@click.option("--body", "-d", metavar="TEXT|@FILE|@-", help="Body, message or detail; @ reads it from a file.")
@click.option("--stage", help="Stage of a REST or HTTP API.")
@click.option("--compact", is_flag=True, help="Print it on one line.")
def event(
    source: str,
    method: str | None,
    path: str | None,
    query: str | None,
    headers: tuple[str, ...],
    body: str | None,
    stage: str | None,
    compact: bool,
) -> None:
    """Print a sample event of SOURCE, for `everloop invoke`, for a test, or to see what AWS sends.

    \b
    SOURCE is one of:
      function-url  http-api  http-api-1.0  rest  alb  alb-multi  lattice  lattice-1
      websocket-connect  websocket-message  websocket-disconnect
      sqs  sns  s3  dynamodb  kinesis  eventbridge  schedule

    \b
    everloop event function-url --path /items?page=2 | everloop invoke main:app -
    """
    try:
        made = sample_event(
            source,
            method=method,
            path=path,
            query=query,
            headers=[_header(given) for given in headers],
            body=None if body is None else _body(body),
            stage=stage,
        )
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from error
    click.echo(json.dumps(made, ensure_ascii=False, indent=None if compact else 2))


def _header(given: str) -> tuple[str, str]:
    name, colon, value = given.partition(":")
    if not (name.strip() and colon):
        raise ValueError(f"--header {given!r}: expected 'NAME: VALUE', such as 'accept: text/html'")
    return name.strip(), value.strip()


def _body(given: str) -> str | bytes:
    """Read a body as curl does: text stays text where it is UTF-8."""
    if not given.startswith("@"):
        return given
    content = sys.stdin.buffer.read() if given == "@-" else Path(given[1:]).read_bytes()
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content
