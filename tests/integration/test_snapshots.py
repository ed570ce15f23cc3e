"""SnapStart, with a scripted Runtime API: hooks, errors, connections, and two restores of one state.

What is restored here is a process that has waited, once stopped and continued by signals, once forked while it was
about to wait, so that two processes go on from the very same memory. That proves the order of calls and hooks, that no
connection is used across the wait, and that random numbers differ. What it cannot show are clocks that jump by weeks.
"""

import json
import signal
import threading
import time
from typing import Any

import pytest

from support.answers import Answer, Drop, refusal
from support.emulated import Emulated
from support.environment import Environment, Launcher
from support.sample_events import function_url
from support.scripted_api import ScriptedRuntimeApi

SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
ORDER = ["before 3", "before 2", "before 1", "after 1", "after 2", "after 3"]
KINDS = pytest.mark.parametrize("handler", ["snapshots:app", "snapshots:handler"])
RESTORED = Answer(200, b"")


def seen_by(env: Environment, handler: str) -> dict[str, Any]:
    """Ask a runtime what its hooks did."""
    answer = env.answers(function_url())
    found: dict[str, Any] = json.loads(answer["body"]) if handler.endswith("app") else answer
    return found


@KINDS
def test_order_of_calls_and_hooks(
    launch: Launcher, api: ScriptedRuntimeApi, loop: dict[str, str], handler: str
) -> None:
    """Before hooks in reverse, the wait, after hooks in order, the first poll; no connection is used twice."""
    restored = threading.Event()
    api.script("restore/next", Answer(200, b"", hold=restored))
    env = launch(handler, {**SNAP_START, **loop}, api=api)
    api.wait_for(lambda: len(api.requests_to("restore/next")) == 1, "restore/next")
    env.process.wait_for_log(r"before the snapshot: \['before 3'\]")
    env.process.signal(signal.SIGSTOP)
    time.sleep(0.3)  # what passes here is time
    env.process.signal(signal.SIGCONT)
    assert api.requests_to("next") == []
    assert len([connection for connection in api.connections if connection.open]) == 1
    restored.set()
    assert seen_by(env, handler)["order"] == ORDER
    [wait] = api.requests_to("restore/next")
    [poll, *_] = api.requests_to("next")
    assert poll.connection is not wait.connection
    api.wait_for(lambda: not wait.connection.open, "the end of the connection that waited")
    # A parked poll of an extension would be an open connection in the snapshot.
    assert api.requests_to("register") == []


@pytest.mark.parametrize("failure", ["raise", "exit"])
def test_failed_hook_before(launch: Launcher, api: ScriptedRuntimeApi, failure: str) -> None:
    """An init error of its own type, exit 64, no wait."""
    env = launch("snapshots:app", {**SNAP_START, "FAIL_BEFORE": failure}, api=api)
    told = api.wait_for_request("init/error")
    assert told.headers["lambda-runtime-function-error-type"] == "Runtime.BeforeSnapshotError"
    assert told.json()["errorType"] == ("SystemExit" if failure == "exit" else "ValueError")
    assert "snapshots.py" in told.json()["stackTrace"][0]
    assert env.process.exit_code() == 64
    assert api.requests_to("restore/next") == []
    assert env.process.logged("Runtime.BeforeSnapshotError")


@pytest.mark.parametrize("failure", ["raise", "exit"])
def test_failed_hook_after(launch: Launcher, api: ScriptedRuntimeApi, failure: str) -> None:
    """A restore error of its own type, exit 65, no poll."""
    api.script("restore/next", RESTORED)
    env = launch("snapshots:app", {**SNAP_START, "FAIL_AFTER": failure}, api=api)
    told = api.wait_for_request("restore/error")
    assert told.headers["lambda-runtime-function-error-type"] == "Runtime.AfterRestoreError"
    assert told.json()["errorType"] == ("SystemExit" if failure == "exit" else "ValueError")
    assert env.process.exit_code() == 65
    assert api.requests_to("next") == []


def test_without_snapshots_it_goes_on(launch: Launcher) -> None:
    """404 from restore/next: the first poll follows, and the extension is registered before it after all."""
    env = launch("snapshots:app", SNAP_START)
    assert seen_by(env, "snapshots:app")["order"] == ORDER[:3]
    endpoints = [request.endpoint for request in env.api.requests]
    assert endpoints[:2] == ["restore/next", "register"]
    assert endpoints.index("register") < endpoints.index("next")


@pytest.mark.parametrize("answer", [refusal(403, "InvalidStateTransition"), Answer(500, b"{}"), Drop()])
def test_refused_wait(launch: Launcher, api: ScriptedRuntimeApi, answer: Answer) -> None:
    """Anything else ends the process: Lambda and we disagree about what it is for."""
    api.script("restore/next", answer)
    env = launch("snapshots:app", SNAP_START, api=api)
    assert env.process.exit_code() == 1
    assert env.process.logged("does not restore")


def test_signal_in_the_wait(launch: Launcher, api: ScriptedRuntimeApi) -> None:
    """SIGTERM ends a process that waits to be restored, with 0."""
    api.script("restore/next", Answer(200, b"", hold=threading.Event()))
    env = launch("snapshots:app", SNAP_START, api=api)
    api.wait_for(lambda: len(api.requests_to("restore/next")) == 1, "restore/next")
    env.process.signal(signal.SIGTERM)
    assert env.process.exit_code() == 0


def test_hooks_are_not_called_without_snap_start(launch: Launcher) -> None:
    """Nor is anything asked of the restore endpoints."""
    env = launch("snapshots:app")
    assert seen_by(env, "snapshots:app")["order"] == []
    assert env.api.requests_to("restore/next") == []


@KINDS
def test_two_restores_of_one_snapshot_share_no_random_number(
    launch: Launcher, api: ScriptedRuntimeApi, handler: str
) -> None:
    """Two processes that go on from the same memory: `random` and `uuid` differ, both serve."""
    api.script("restore/next", RESTORED, RESTORED)
    # asyncio's loop, because uvloop's do not survive a fork.
    env = launch(handler, {**SNAP_START, "FORK": "1", "EVERLOOP_LOOP": "asyncio"}, api=api)
    api.wait_for_poll(2)
    exchanges = [env.invoke(function_url()) for _ in range(2)]
    bodies = [exchange.response() for exchange in exchanges]
    one, other = [json.loads(found["body"]) if handler.endswith("app") else found for found in bodies]
    assert one["pid"] != other["pid"]
    assert one["random"] != other["random"]
    assert one["uuid"] != other["uuid"]
    assert one["order"] == other["order"] == ORDER


@KINDS
def test_under_the_emulator_frozen_between(handler: str) -> None:
    """With everloop's own emulator, which stops the process after restore/next, and between invocations."""
    with Emulated(handler, snapstart=True, freeze=True) as emulated:
        emulated.ready()
        for _ in range(2):
            answer = emulated.invoke(function_url())
            found = json.loads(answer["body"]) if handler.endswith("app") else answer
            assert found["order"] == ORDER


def test_a_failing_restore_under_the_emulator() -> None:
    """The call for which the process was restored fails with the error."""
    with Emulated("snapshots:app", snapstart=True, environ={"FAIL_AFTER": "raise"}) as emulated:
        emulated.ready()
        failure = emulated.call(function_url()).failure()
        assert "the pool cannot be closed" in str(failure) or "the pool cannot be closed" in emulated.log
