"""What is served and where, in words: for the terminal when it starts, and for the head of the inspector page."""

import ipaddress
from typing import Any

import everloop
from everloop.dev.console.style import Style
from everloop.dev.inspector import PREFIX
from everloop.dev.plan import Plan


def banner(plan: Plan, url: str, style: Style) -> str:
    """Give the lines that say where to go."""
    name = plan.function.name
    rows = [
        ("browse", style(f"{url}{plan.gateway.prefix}/", "bold", "cyan")),
        ("inspect", style(f"{url}{PREFIX}/", "cyan")),
        ("curl", f"curl -N {url}{plan.gateway.prefix}/"),
        ("boto3", f'client("lambda", endpoint_url="{url}").invoke(FunctionName="{name}")'),
        ("as", f"{plan.gateway.source}; {_mode(plan)}; {_environments(plan)}"),
        ("reload", f"when {', '.join(plan.patterns)} below {plan.function.task_root} change" if plan.reload else "off"),
    ]
    if not _is_loopback(plan.host):
        rows.append(("note", style(f"{plan.host} lets whoever reaches this machine run the function", "yellow")))
    lines = [f"{style('everloop dev', 'bold')} {everloop.__version__}: {plan.function.handler}   (Ctrl-C ends it)", ""]
    lines += [f"  {style(f'{name:<8}', 'dim')}{value}" for name, value in rows]
    return "\n".join([*lines, ""])


def facts(plan: Plan) -> dict[str, Any]:
    """Give what the inspector page says of the function."""
    function = plan.function
    return {
        "handler": function.handler,
        "name": function.name,
        "source": plan.gateway.source,
        "streaming": function.streaming,
        "shown": [
            function.handler,
            plan.gateway.source,
            "streaming" if function.streaming else "buffered",
            f"{function.memory} MB",
            f"timeout {function.timeout:g} s",
            *(["freezing"] if function.freeze else []),
            *([f"{function.environments} environments"] if function.environments > 1 else []),
            *([f"concurrency {function.max_concurrency}"] if function.max_concurrency is not None else []),
        ],
    }


def _mode(plan: Plan) -> str:
    if not plan.function.streaming:
        return "responses buffered (--mode streaming shows them as they come)"
    if not plan.gateway.can_stream:
        return f"responses buffered, because {plan.gateway.source} cannot stream"
    return "responses streamed"


def _environments(plan: Plan) -> str:
    function = plan.function
    if function.max_concurrency is not None:
        return f"Managed Instances, {function.max_concurrency} invocations at a time"
    many = "1 environment" if function.environments == 1 else f"{function.environments} environments"
    return f"{many}, frozen between invocations" if function.freeze else many


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
