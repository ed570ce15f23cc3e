"""`everloop dev`: the function behind a web server."""

from pathlib import Path
from typing import Any

import click

from everloop.dev.commands.options import checked_environ, function_options, take
from everloop.dev.gateway.config import SOURCES, GatewayConfig
from everloop.dev.plan import Plan


@click.command(no_args_is_help=True)
@click.argument("handler")
@click.option(
    "--port", "-p", type=click.IntRange(0, 65_535), default=9000, show_default=True, help="0 takes a free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 in a container.")
@click.option(
    "--source",
    type=click.Choice(SOURCES),
    default="function-url",
    show_default=True,
    help="What stands before the function on AWS.",
)
@click.option("--stage", help="Stage that the URLs of a REST or HTTP API begin with.")
@click.option("--base-path", default="", help="Path that all URLs begin with, as with a custom domain's mapping.")
@function_options
@click.option(
    "--environments", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many, side by side."
)
@click.option(
    "--max-concurrency",
    type=click.IntRange(1, 1000),
    help="Lambda Managed Instances: so many invocations at a time in one environment.",
)
@click.option("--freeze", is_flag=True, help="Stop the processes between invocations, as Lambda does.")
@click.option("--bandwidth-limit", is_flag=True, help="Stream 2 MB/s after the first 6 MB, as Lambda does.")
@click.option("--reload/--no-reload", default=True, show_default=True, help="New environments when the code changes.")
@click.option(
    "--reload-include",
    "patterns",
    metavar="GLOB",
    multiple=True,
    help="Names of files that are watched besides *.py, such as '*.html'; may be repeated.",
)
@click.option(
    "--websocket-stage", default="prod", show_default=True, help="Stage of the API that WebSocket connections come to."
)
@click.option("--route", "routes", multiple=True, help="Route of the WebSocket API besides $default; may be repeated.")
@click.option(
    "--route-response",
    "route_responses",
    multiple=True,
    help="Route of it whose answers go to the client; may be repeated.",
)
@click.option(
    "--allow-host", "allowed", metavar="NAME", multiple=True, help="Name that the inspector may be called by."
)
def dev(handler: str, port: int, host: str, **given: Any) -> None:
    """Serve HANDLER as Lambda would run it, to a browser: http://127.0.0.1:9000.

    The real runtime runs your code. Each request becomes the event that AWS would send, and each answer what AWS would
    make of it, streamed as it comes with --mode streaming. boto3 can invoke the function with
    endpoint_url="http://127.0.0.1:9000". The inspector at /_everloop/ shows every invocation.

    \b
    everloop dev main:app --mode streaming
    everloop dev main:app --source rest --stage prod
    """
    options = take(handler, given)
    environ = checked_environ(options)
    try:
        config = options.config(
            environ,
            environments=given["environments"],
            max_concurrency=given["max_concurrency"],
            freeze=given["freeze"],
            bandwidth_limit=given["bandwidth_limit"],
        )
        gateway = GatewayConfig(
            source=given["source"],
            stage=given["stage"],
            base_path=given["base_path"],
            streaming=config.streaming,
            region=config.region,
            account=config.account,
            websocket_stage=given["websocket_stage"],
            routes=frozenset(given["routes"]),
            route_responses=frozenset(given["route_responses"]),
        )
        if config.max_concurrency is not None and (config.environments > 1 or config.freeze or config.snapstart):
            raise ValueError("--max-concurrency is one environment that never freezes: leave out the others.")
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    plan = Plan(
        host=host,
        port=port,
        function=config,
        gateway=gateway,
        reload=given["reload"],
        patterns=("*.py", *given["patterns"]),
        env_files=tuple(Path(path).resolve() for path in options.env_files),
        reread=lambda: options.config(
            options.environ(),
            environments=config.environments,
            max_concurrency=config.max_concurrency,
            freeze=config.freeze,
            bandwidth_limit=config.bandwidth_limit,
        ),
        allowed=given["allowed"],
    )
    from everloop.dev.server import run  # the web server's imports, after what may be wrong has been said

    raise SystemExit(run(plan))
