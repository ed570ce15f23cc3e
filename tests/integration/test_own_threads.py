"""Threads that the application makes itself: with one slot they belong to the invocation that is served."""

import json
import re
import sys

import pytest

from support.environment import Launcher
from support.gates import Gates
from support.sample_events import function_url

RIC = [sys.executable, "-m", "awslambdaric"]
FORMATS = pytest.mark.parametrize("log_format", ["Text", "JSON"])


@FORMATS
@pytest.mark.parametrize("handler", ["sync", "coroutine", "asgi"])
def test_a_threads_records_have_the_request_id(launch: Launcher, handler: str, log_format: str) -> None:
    """That of the invocation which is served, one after the other, and so does `current_invocation()`."""
    env = launch(f"own_threads:{handler}", {"AWS_LAMBDA_LOG_FORMAT": log_format})
    for number in (1, 2):
        exchange = env.invoke(function_url())
        answer = exchange.response()
        assert (answer["body"] if handler == "asgi" else answer) == exchange.request_id
        line = env.process.wait_for_logs("from (ThreadPoolExecutor|asyncio|uvloop)", number)[-1].text
        assert exchange.request_id in line
        if log_format == "JSON":
            assert json.loads(line)["traceId"].startswith("Root=1-")


def test_it_is_as_under_aws_client(launch: Launcher) -> None:
    """The same record, but for its moment."""
    lines = []
    for command in ([*RIC, "own_threads.sync"], None):
        env = launch(None if command else "own_threads.sync", command=command)
        env.invoke({}, request_id="00000000-0000-4000-8000-000000000001").wait()
        lines.append(re.sub(r"\t\S+Z\t", "\t", env.process.wait_for_log("from ThreadPoolExecutor").text))
    assert lines[0] == lines[1]


def test_after_the_response_a_thread_belongs_to_the_last_invocation(launch: Launcher, gates: Gates) -> None:
    """Until the next event comes."""
    env = launch("own_threads.later", gates.env)
    exchange = env.invoke({})
    exchange.response()
    env.api.wait_for_poll()
    gates.open("log")
    assert exchange.request_id in env.process.wait_for_log("after the response").text


def test_several_slots_guess_nothing(launch: Launcher) -> None:
    """A record under another invocation's id would be worse than one without."""
    env = launch("own_threads:sync", {"AWS_LAMBDA_MAX_CONCURRENCY": "2"})
    env.api.wait_for_poll(2)
    assert env.invoke({}).response() is None
    assert "requestId" not in json.loads(env.process.wait_for_log("from ThreadPoolExecutor").text)


def test_a_worker_with_one_slot_knows_it(launch: Launcher) -> None:
    """Of several processes each serves one at a time."""
    env = launch("own_threads:sync", {"AWS_LAMBDA_MAX_CONCURRENCY": "2", "EVERLOOP_WORKERS": "2"})
    env.api.wait_for_poll(2)
    exchange = env.invoke({})
    assert exchange.response() == exchange.request_id


def test_what_start_up_has_started_belongs_to_no_invocation(launch: Launcher, gates: Gates) -> None:
    """It runs on the loop, where everything that belongs to an invocation knows it."""
    env = launch("own_threads:in_startup", gates.env)
    exchange = env.invoke(function_url())
    line = env.process.wait_for_log("of start-up").text
    assert line.endswith("\t\tof start-up: None")
    gates.open("work")
    exchange.response()


@pytest.mark.parametrize("handler", ["gives", "async_gives"])
def test_a_thread_gives_work_to_wait_until(launch: Launcher, gates: Gates, loop: dict[str, str], handler: str) -> None:
    """The next poll waits for it, and its records belong to the invocation."""
    env = launch(f"own_threads:{handler}", {**gates.env, **loop})
    env.api.wait_for_poll()
    exchange = env.invoke({})
    assert exchange.response() is None
    assert not env.api.parked
    gates.open("work")
    env.api.wait_for_poll()
    assert exchange.request_id in env.process.wait_for_log("worked in MainThread").text


@FORMATS
def test_records_in_a_queue_keep_their_ids(launch: Launcher, log_format: str) -> None:
    """`QueueHandler`: whoever writes them, and whenever; the failure keeps its type, too."""
    env = launch("own_threads.queued", {"QUEUED": "1", "AWS_LAMBDA_LOG_FORMAT": log_format})
    first = env.invoke({})
    first.error()
    env.invoke("write").wait()
    line = env.process.wait_for_log("in the queue").text
    failure = env.process.wait_for_log("out of stock").text
    assert first.request_id in line
    assert first.request_id in failure
    assert failure.count("Traceback") == 1
    started = env.process.wait_for_log("is a synchronous handler").text if log_format == "JSON" else None
    if started is not None:
        assert "requestId" not in json.loads(started)
        assert json.loads(failure)["errorType"] == "ValueError"
