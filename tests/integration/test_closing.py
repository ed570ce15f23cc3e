"""What a handler yields from is closed, once, whatever ends it: itself, an error, the deadline, a break, a signal."""

import json
import signal
from typing import Any

import pytest

from support.answers import Drop
from support.environment import Environment, Launcher
from support.exchange import Exchange
from support.sample_events import function_url

SETTINGS = {"EVERLOOP_RESPONSE_MODE": "streaming", "EVERLOOP_DEADLINE_MARGIN": "0.4", "EVERLOOP_EXTENSION": "off"}
BUFFERED = {"EVERLOOP_RESPONSE_MODE": "buffered"}
TWO_SLOTS = {"AWS_LAMBDA_MAX_CONCURRENCY": "2"}

BLOCKING = ["generator", "returns", "body", "wsgi"]
ON_THE_LOOP = ["async_generator", "async_returns", "async_returns_async", "async_body"]
BOTH = ["returns_async"]
"""A plain function whose asynchronous generator runs on the loop, for the sake of its thread."""
EVERYWHERE = [
    *((kind, slots) for kind in BLOCKING + BOTH for slots in (1, 2)),
    *((kind, 1) for kind in ON_THE_LOOP),  # several slots are the same there
]


# One thread alone cannot be stopped from another: on the main thread Lambda's own timeout applies.
NOTICED = [(kind, slots) for kind, slots in EVERYWHERE if slots == 2 or kind not in BLOCKING]
WAITING = [(kind, slots) for kind, slots in NOTICED if kind not in (*BLOCKING, "async_returns")]
FEW = [
    (kind, slots) for kind, slots in EVERYWHERE if kind in ("returns", "returns_async", "async_returns_async", "wsgi")
]
"""Where the pieces are joined, for there the rest is the same."""


def start(launch: Launcher, kind: str, slots: int, **env: str) -> Environment:
    return launch(f"closing:{kind}", SETTINGS | env | (TWO_SLOTS if slots == 2 else {}))


def event(kind: str, **how: Any) -> Any:
    if kind == "wsgi":
        return function_url(query="&".join(f"{name}={value}" for name, value in how.items()))
    return how


def closed(env: Environment) -> int:
    env.process.wait_for_log("^generator closed$")
    return len(env.process.logged("^generator closed$"))


def hang_up(env: Environment, exchange: Exchange, kind: str, slots: int) -> None:
    """Break the connection of an open generator: it is closed once, and the next event is answered."""
    env.process.wait_for_log("^generator opened$")
    assert exchange.delivered_to is not None
    exchange.delivered_to.connection.close()
    env.api.wait_for_poll(slots)
    assert closed(env) == 1
    assert b"x" * 1000 in env.invoke(event(kind, pieces=1)).wait().body


def only_the_users(frames: list[str], then: str) -> None:
    """Those of the generator that raised; none where it is what it yielded that is wrong."""
    assert len(frames) in ((1, 2) if then == "raise" else (0,))
    assert all("/apps/closing.py" in frame for frame in frames)


@pytest.mark.parametrize(("kind", "slots"), EVERYWHERE)
def test_ends_and_errors(launch: Launcher, kind: str, slots: int) -> None:
    """At the end, at an exception of its own, at a piece that is neither text nor bytes; and then the slot polls."""
    env = start(launch, kind, slots)
    for number, (then, error_type) in enumerate(
        [("end", None), ("raise", "Function.ValueError"), ("wrong", "Function.ProtocolError|Runtime.MarshalError")], 1
    ):
        exchange = env.invoke(event(kind, pieces=3, then=then)).wait()
        assert exchange.request.content.endswith(b"x" * 3000)
        found = exchange.trailers.get("lambda-runtime-function-error-type")
        assert found is None if error_type is None else found in error_type.split("|")
        if error_type is not None:
            only_the_users(exchange.request.trailer_error()["stackTrace"], then)
        env.process.wait_for_logs("^generator closed$", number)
        env.api.wait_for_poll(slots)
    assert len(env.process.logged("^generator closed$")) == 3


@pytest.mark.parametrize(("kind", "slots"), FEW)
def test_ends_and_errors_buffered(launch: Launcher, kind: str, slots: int) -> None:
    """The same where the pieces are joined, and an error is the invocation's or the client's."""
    env = start(launch, kind, slots, **BUFFERED)
    for number, then in enumerate(["end", "raise", "wrong"], 1):
        exchange = env.invoke(event(kind, pieces=3, then=then)).wait()
        assert (b"x" * 3000 in exchange.body) is (then == "end")
        assert exchange.kind == ("response" if then == "end" or kind == "wsgi" else "error")
        if exchange.kind == "error":
            only_the_users(exchange.error()["stackTrace"], then)
            cause = json.loads(exchange.request.headers["lambda-runtime-function-xray-error-cause"])
            only_the_users([frame["path"] for frame in cause["exceptions"][0]["stack"]], then)
        env.process.wait_for_logs("^generator closed$", number)
        env.api.wait_for_poll(slots)
    assert len(env.process.logged("^generator closed$")) == 3


@pytest.mark.parametrize(("kind", "slots"), EVERYWHERE)
def test_broken_connections(launch: Launcher, kind: str, slots: int) -> None:
    """Nobody can get what it yields."""
    env = start(launch, kind, slots)
    exchange = env.invoke(event(kind), answer=Drop(after=3000)).wait()
    assert exchange.request.broken
    env.api.wait_for_poll(slots)
    assert closed(env) == 1
    assert env.invoke(event(kind, pieces=1)).wait().trailers == {}


@pytest.mark.parametrize(("kind", "slots"), [one for one in FEW if one in NOTICED])
def test_broken_connections_buffered(launch: Launcher, kind: str, slots: int) -> None:
    """Before anything was sent."""
    env = start(launch, kind, slots, **BUFFERED)
    exchange = env.invoke(event(kind), timeout=60).wait_for_delivery()
    hang_up(env, exchange, kind, slots)


@pytest.mark.parametrize(
    ("kind", "slots", "mode"),
    [*((*one, "streaming") for one in WAITING), *((*one, "buffered") for one in WAITING if one in FEW)],
)
def test_broken_connections_of_those_that_wait(launch: Launcher, kind: str, slots: int, mode: str) -> None:
    """Without yielding another piece, long before the deadline: whoever reads has gone, and nothing would tell it."""
    env = start(launch, kind, slots, EVERLOOP_RESPONSE_MODE=mode)
    exchange = env.invoke(event(kind, pieces=1, then="wait"), timeout=60)
    if mode == "streaming":
        exchange.wait_for_size(1000)
    hang_up(env, exchange, kind, slots)


@pytest.mark.parametrize(
    ("kind", "slots", "mode"),
    [*((*one, "streaming") for one in NOTICED), *((*one, "buffered") for one in NOTICED if one in FEW)],
)
def test_deadlines(launch: Launcher, kind: str, slots: int, mode: str) -> None:
    """Before its deadline, with trailers or an error that say so; a thread is reached at its next piece."""
    env = start(launch, kind, slots, EVERLOOP_RESPONSE_MODE=mode)
    exchange = env.invoke(event(kind), timeout=0.7).wait()
    if mode == "streaming":
        assert exchange.trailers["lambda-runtime-function-error-type"] == "Runtime.DeadlineExceeded"
    elif kind == "wsgi":
        assert exchange.response()["statusCode"] == 504
    else:
        assert exchange.error()["errorType"] == "Runtime.DeadlineExceeded"
    env.api.wait_for_poll(slots)
    assert closed(env) == 1
    assert env.invoke(event(kind, pieces=1)).wait().trailers == {}


@pytest.mark.parametrize(("kind", "slots"), EVERYWHERE)
def test_shutdown(launch: Launcher, kind: str, slots: int) -> None:
    """After half of the time for the shutdown the stream ends with trailers, and the process as if nothing were."""
    env = start(launch, kind, slots, EVERLOOP_SHUTDOWN_TIMEOUT="1")
    exchange = env.invoke(event(kind), timeout=60).wait_for_size(2000)
    env.process.signal(signal.SIGTERM)
    exchange.wait()
    assert env.process.exit_code() == 0
    assert closed(env) == 1
    assert exchange.trailers["lambda-runtime-function-error-type"] == "Runtime.ShutDown"
    [line] = env.process.logged("Runtime.ShutDown: The process was shut down before")
    assert exchange.request_id in line.text
    assert not env.process.logged("cut short")


@pytest.mark.parametrize(("kind", "slots"), EVERYWHERE)
def test_what_the_shutdown_cuts_off_is_told_at_any_level(launch: Launcher, kind: str, slots: int) -> None:
    """It is the failure of an invocation, as any."""
    env = start(launch, kind, slots, EVERLOOP_SHUTDOWN_TIMEOUT="1", AWS_LAMBDA_LOG_LEVEL="CRITICAL")
    env.invoke(event(kind), timeout=60).wait_for_size(2000)
    env.process.signal(signal.SIGTERM)
    assert env.process.exit_code() == 0
    assert len(env.process.logged("Runtime.ShutDown: The process was shut down before")) == 1
