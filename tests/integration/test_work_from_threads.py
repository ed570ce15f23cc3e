"""`everloop.wait_until()` in a thread: where a handler blocks and there are several slots, all of it is in one."""

import json

import pytest

from support.environment import Launcher
from support.gates import Gates
from support.sample_events import function_url

KINDS = pytest.mark.parametrize("handler", ["gives_work:function", "gives_work:wsgi", "gives_work:asgi"])
SLOTS = {"AWS_LAMBDA_MAX_CONCURRENCY": "2", "EVERLOOP_EXTENSION": "off"}


@KINDS
def test_the_work_runs_on_the_loop_and_the_next_poll_waits_for_it(
    launch: Launcher, gates: Gates, loop: dict[str, str], handler: str
) -> None:
    """The client does not; and the work's records belong to the invocation."""
    env = launch(handler, SLOTS | loop | gates.env)
    env.api.wait_for_poll(2)
    exchange = env.invoke(function_url())
    assert b"MainThread" not in exchange.wait().request.body
    assert exchange.kind == "response"
    assert len(env.api.parked) == 1
    gates.open("work")
    env.api.wait_for_poll(2)
    record = json.loads(env.process.wait_for_log("worked in").text)
    assert record["message"] == "worked in MainThread"
    assert record["requestId"] == exchange.request_id


@KINDS
def test_a_failure_of_the_work_is_logged(launch: Launcher, handler: str) -> None:
    """With the request id, once, and nothing else comes of it."""
    env = launch(handler, SLOTS)
    exchange = env.invoke(function_url(query="fail"))
    assert exchange.wait().kind == "response"
    record = json.loads(env.process.wait_for_log("the work failed").text)
    assert record["message"] == "Work given to wait_until() failed"
    assert record["requestId"] == exchange.request_id
    env.api.wait_for_poll(2)
    assert len(env.process.logged("the work failed")) == 1
