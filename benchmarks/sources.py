"""What an event source costs: microseconds for decoding an event and encoding its answer.

    python benchmarks/sources.py

Prints for every source the best of several rounds, its ratio to the Function URL source, and what Mangum's handler
takes for the same event where it has one. Nothing else of either runs: no loop, no application, no JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "runtime"))

from everloop.asgi.scope import build_scope, build_websocket_scope  # noqa: E402
from everloop.exchange import ResponseHead  # noqa: E402
from everloop.sources.body import TextTypes  # noqa: E402
from everloop.sources.registry import BUILT_IN, HTTP, select  # noqa: E402
from everloop.sources.websocket import WebSocketApi  # noqa: E402

ROUNDS = 15
CALLS = 1_000
LIMIT = 25.0
"""Microseconds that the slowest source may take."""

CASES = {
    "function-url": "get_root",
    "http-api": "cookies_list",
    "http-api-1.0": "get_root",
    "rest": "get_with_stage",
    "alb": "get",
    "alb-multi": "query_repeated",
    "lattice": "query_lists",
    "lattice-1": "query_in_path",
    "websocket": "connect",
}
HEAD = ResponseHead(
    200, [("content-type", "application/json"), ("set-cookie", "a=1; Path=/"), ("set-cookie", "b=2; Path=/")]
)
BODY = b'{"hello": "world"}'


def event_of(source: str) -> dict[str, Any]:
    """Read the event of tests/events that is measured."""
    path = ROOT / "tests" / "events" / source / f"{CASES[source]}.json"
    event: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return event


def http_steps(event: dict[str, Any]) -> Callable[[], Any]:
    """Select, decode, build the scope, encode the answer: all that an event source adds to an invocation."""
    text_types = TextTypes()
    state: dict[str, Any] = {}

    def steps() -> Any:
        source = select(event, HTTP)
        build_scope(source.decode(event), state)
        return source.encode(event, HEAD, *text_types.encode(HEAD, BODY))

    return steps


def websocket_steps(event: dict[str, Any]) -> Callable[[], Any]:
    """The same for a handshake, with what is kept of it for later messages."""
    source = WebSocketApi()
    state: dict[str, Any] = {}

    def steps() -> Any:
        select(event, BUILT_IN)
        source.decode(event)
        build_websocket_scope(source.handshake(event), state)
        source.kept(event)
        return source.encode(200, [("Sec-WebSocket-Protocol", "chat")])

    return steps


def mangum_steps(event: dict[str, Any]) -> Callable[[], Any] | None:
    """Mangum's inference, scope, body and response for the same event, or None where it does not serve it."""
    try:
        from mangum import Mangum
        from mangum.types import LambdaContext
    except ImportError:
        return None

    async def app(scope: Any, receive: Any, send: Any) -> None:
        """Never called."""

    adapter = Mangum(app, lifespan="off")
    context: LambdaContext = object()  # type: ignore[assignment]  # the handlers only pass it on
    response: Any = {
        "status": HEAD.status,
        "headers": [(name.encode(), value.encode()) for name, value in HEAD.headers],
        "body": BODY,
    }

    def steps() -> Any:
        handler = adapter.infer(event, context)
        _ = (handler.scope, handler.body)
        return handler(response)

    try:
        steps()
    except (KeyError, RuntimeError, TypeError):
        return None
    return steps


def microseconds(subjects: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Give each subject's processor time for a call, of its best round: what disturbs a round only ever adds to it.

    All take part in every round, so that a machine with other work to do disturbs them alike.
    """
    best = dict.fromkeys(subjects, float("inf"))
    for _ in range(ROUNDS):
        for name, steps in subjects.items():
            began = time.thread_time()
            for _ in range(CALLS):
                steps()
            best[name] = min(best[name], (time.thread_time() - began) / CALLS * 1e6)
    return best


def main() -> int:
    """Print the table; exit 1 when a source is over the limit."""
    ours = {}
    theirs = {}
    for name in CASES:
        event = event_of(name)
        ours[name] = websocket_steps(event) if name == "websocket" else http_steps(event)
        if rival := mangum_steps(event):
            theirs[f"mangum {name}"] = rival
    taken = microseconds(ours | theirs)
    print(f"{'source':14} {'us':>6} {'ratio':>6} {'Mangum us':>10} {'ratio':>6}")
    for name in CASES:
        other = taken.get(f"mangum {name}")
        rival_columns = f"{other:10.1f} {taken[name] / other:6.2f}" if other else f"{'-':>10} {'-':>6}"
        print(f"{name:14} {taken[name]:6.1f} {taken[name] / taken['function-url']:6.2f} {rival_columns}")
    slowest = max(taken[name] for name in CASES)
    print(f"slowest {slowest:.1f} us, limit {LIMIT:.0f} us")
    return slowest > LIMIT


if __name__ == "__main__":
    sys.exit(main())
