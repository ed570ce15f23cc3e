"""The emulated function with the real runtime: calls, queue, environments, failures."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from everloop.dev.calls import Failure
from support.emulated import NOTHING, Emulated

EMULATED_LOOPS = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])


@pytest.fixture(scope="module")
def obey() -> Iterator[Emulated]:
    """An environment that the tests of this module share."""
    with Emulated("emulated.obey") as emulated:
        yield emulated


@EMULATED_LOOPS
def test_a_call_is_answered(loop: str) -> None:
    """The event reaches the handler as it is, and the caller gets what it returned."""
    with Emulated("plain.echo", loop=loop) as emulated:
        assert emulated.ready() is None
        call = emulated.call(b'{"a": [1, 2]}', request_id="11111111-2222-4333-8444-555555555555")
        assert json.loads(call.payload()) == {
            "event": {"a": [1, 2]},
            "request_id": "11111111-2222-4333-8444-555555555555",
        }
        record = call.finished()
    assert record.response_mode == "buffered"
    assert record.content_type == "application/json"
    assert json.loads(record.response)["event"] == {"a": [1, 2]}
    assert record.produced[-1][1] == record.response_bytes == len(record.response)
    assert record.failure is None
    assert record.started_at is not None
    assert record.init_seconds is not None
    assert record.init_seconds > 0
    assert record.received_at <= record.started_at <= (record.first_byte_at or 0) <= (record.responded_at or 0)
    assert record.duration is not None
    assert 0 < record.duration < 30
    assert record.memory_mb is not None
    assert 5 < record.memory_mb < 500
    assert "is a synchronous handler" in record.logs[0].text  # what was written before the first call


def test_what_the_function_is_told() -> None:
    """Deadline, ARN, client context, identity and tenant arrive in the context; the environment is Lambda's."""
    own = {"MINE": "1", "AWS_REGION": "nowhere", "AWS_LAMBDA_FUNCTION_NAME": "another"}
    with Emulated(
        "emulated.describe", name="shop", timeout=7.0, memory=256, region="eu-central-1", environ=own
    ) as emulated:
        seen = emulated.invoke(
            {"é": 1},
            client_context='{"custom": {"from":\n "test"}}',
            cognito_identity='{"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"}',
            tenant_id="blue",
            trace_id="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
            invoked_arn="arn:aws:lambda:eu-central-1:123456789012:function:shop:live",
        )
        call = emulated.call(None)
        second = json.loads(call.payload())
    assert seen["event"] == {"é": 1}
    assert seen["client"] == {"from": "test"}
    assert seen["identity"] == "id"
    assert seen["tenant"] == "blue"
    assert seen["arn"] == "arn:aws:lambda:eu-central-1:123456789012:function:shop:live"
    assert 0 < seen["remaining_ms"] <= 7000
    environ = seen["environ"]
    assert environ["MINE"] == "1"
    assert environ["AWS_REGION"] == environ["AWS_DEFAULT_REGION"] == "eu-central-1"
    assert environ["AWS_LAMBDA_FUNCTION_NAME"] == "shop"
    assert environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environ["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert environ["_X_AMZN_TRACE_ID"] == "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
    assert seen["cwd"] == environ["LAMBDA_TASK_ROOT"]
    assert second["arn"] == "arn:aws:lambda:eu-central-1:123456789012:function:shop"
    assert second["client"] is None
    assert second["environ"]["_X_AMZN_TRACE_ID"] == call.record.trace_id  # made up


def test_an_environment_is_used_again(obey: Emulated) -> None:
    """A warm environment serves call after call; only the first one shows an initialisation."""
    first = obey.invoke()
    call = obey.call()
    assert json.loads(call.payload())["invocations"] == first["invocations"] + 1
    assert call.finished().init_seconds is None


def test_output_belongs_to_its_invocation(obey: Emulated) -> None:
    """Lines of both streams are kept with the invocation that wrote them, and told to the listener."""
    call = obey.call({"print": "one\ntwo", "stderr": "three"})
    call.payload()
    obey.until(lambda: len(call.record.logs) == 3)
    assert sorted((line.stream, line.text) for line in call.record.logs) == [
        ("stderr", "three"),
        ("stdout", "one"),
        ("stdout", "two"),
    ]
    assert [line.text for line, record in obey.lines if record is call.record and line.stream == "stdout"] == [
        "one",
        "two",
    ]


def test_an_exception_is_the_functions_failure(obey: Emulated) -> None:
    """What the runtime posts to /error is the caller's payload; the environment lives."""
    pid = obey.invoke()["pid"]
    failed = obey.call({"fail": "no such thing"}).failure()
    assert failed.kind is Failure.FUNCTION
    assert failed.error_type == "Function.LookupError"
    error = json.loads(failed.payload)
    assert error["errorMessage"] == "no such thing"
    assert error["errorType"] == "LookupError"
    assert obey.invoke()["pid"] == pid


def test_a_response_over_the_limit(obey: Emulated) -> None:
    """Over 6 MiB and 100 bytes the call fails; the environment lives."""
    pid = obey.invoke()["pid"]
    assert len(obey.call({"bytes": 6 * 1024 * 1024}).payload()) == 6 * 1024 * 1024 + 2
    failed = obey.call({"bytes": 6 * 1024 * 1024 + 99}).failure()
    assert failed.error_type == "Function.ResponseSizeTooLarge"
    assert obey.invoke()["pid"] == pid


@pytest.mark.parametrize(
    ("code", "how"),
    [(3, "Runtime exited with error: exit status 3"), (0, "Runtime exited without providing a reason")],
)
def test_an_exit_fails_the_invocation(code: int, how: str) -> None:
    """The caller learns how the process ended, with its last words in the log; the next call gets a new one."""
    with Emulated("emulated.obey") as emulated:
        call = emulated.call({"print": "last words", "exit": code})
        failed = call.failure()
        assert failed.kind is Failure.EXIT
        assert json.loads(failed.payload) == {
            "errorType": "Runtime.ExitError",
            "errorMessage": f"RequestId: {call.record.request_id} Error: {how}",
        }
        assert call.record.logs[-1].text == "last words"
        assert call.record.finished_at is not None
        second = emulated.call()
        assert json.loads(second.payload())["invocations"] == 1
        assert second.record.environment == 2
        assert second.record.init_seconds is not None


def test_a_timeout_kills_and_replaces(tmp_path: Path) -> None:
    """The caller is told at once; the process is ended; the next call gets a new environment."""
    with Emulated("emulated.obey", timeout=1.0) as emulated:
        pid = emulated.invoke()["pid"]
        call = emulated.call({"sleep": 60})
        failed = call.failure()
        assert failed.kind is Failure.TIMEOUT
        assert json.loads(failed.payload) == {
            "errorType": "Sandbox.Timedout",
            "errorMessage": f"RequestId: {call.record.request_id} Error: Task timed out after 1.00 seconds",
        }
        assert call.record.failure == "timeout"
        assert emulated.invoke()["pid"] != pid
        emulated.until(lambda: not Path(f"/proc/{pid}").exists(), "the end of the process")


def test_the_deadline_is_the_timeout() -> None:
    """`Lambda-Runtime-Deadline-Ms` is the time of delivery and the timeout, however long the call had to wait."""
    with Emulated("emulated.describe", timeout=5.0) as emulated:
        calls = [emulated.call() for _ in range(3)]
        assert all(3000 < json.loads(call.payload())["remaining_ms"] <= 5000 for call in calls)


def test_a_failed_initialisation(tmp_path: Path) -> None:
    """The waiting call gets what the runtime reported; the next call tries anew, and finds what was mended."""
    module = tmp_path / "mended.py"
    module.write_text("raise RuntimeError('not yet')\n", encoding="utf-8")
    with Emulated("mended.app", task_root=tmp_path) as emulated:
        failed = emulated.ready()
        assert failed is not None
        assert failed.kind is Failure.INIT
        call = emulated.call()
        failed = call.failure()
        assert failed.kind is Failure.INIT
        assert failed.error_type == "Runtime.RuntimeError" or json.loads(failed.payload)["errorType"] == "RuntimeError"
        assert json.loads(failed.payload)["errorMessage"] == "not yet"
        assert "not yet" in "\n".join(line.text for line in call.record.logs)
        module.write_text("def app(event, context):\n    return 'mended'\n", encoding="utf-8")
        os.utime(module, (time.time() + 10, time.time() + 10))  # another second: the bytecode cache goes by that
        assert emulated.invoke() == "mended"


def test_an_exit_before_the_first_poll(tmp_path: Path) -> None:
    """It fails the waiting call as an exit does, at initialisation."""
    (tmp_path / "gone.py").write_text("import os\nprint('bye', flush=True)\nos._exit(7)\n", encoding="utf-8")
    with Emulated("gone.app", task_root=tmp_path, start=False) as emulated:
        call = emulated.call()
        failed = call.failure()
        assert failed.kind is Failure.INIT
        assert json.loads(failed.payload) == {
            "errorType": "Runtime.ExitError",
            "errorMessage": f"RequestId: {call.record.request_id} Error: Runtime exited with error: exit status 7",
        }
        assert call.record.logs[-1].text == "bye"


def test_an_initialisation_that_takes_too_long(tmp_path: Path) -> None:
    """After the init timeout the waiting call fails, and the process is ended."""
    (tmp_path / "long.py").write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
    with Emulated("long.app", task_root=tmp_path, init_timeout=1.0) as emulated:
        environment = emulated.environment
        failed = emulated.call().failure()
        assert failed.kind is Failure.INIT
        assert failed.error_type == "Sandbox.Timedout"
        assert b"Task timed out after 1.00 seconds" in failed.payload
        emulated.until(lambda: not Path(f"/proc/{environment.pid}").exists(), "the end of the process")


def test_a_command_that_is_not_there() -> None:
    """What cannot be started fails the call with its name."""
    with Emulated(command=("/nowhere/bootstrap",), start=False) as emulated:
        failed = emulated.call().failure()
    assert failed.kind is Failure.INIT
    assert failed.error_type == "Runtime.InvalidEntrypoint"
    assert b"/nowhere/bootstrap" in failed.payload


def test_a_thousand_calls_on_eight_environments() -> None:
    """None is lost and none is mixed up: each caller gets its own answer, from at most eight processes."""
    with Emulated("emulated.obey", environments=8) as emulated:
        calls = [emulated.call({"number": number}) for number in range(1000)]
        answers = [json.loads(call.payload()) for call in calls]
    assert [answer["event"]["number"] for answer in answers] == list(range(1000))
    assert [answer["request_id"] for answer in answers] == [call.record.request_id for call in calls]
    assert len({call.record.request_id for call in calls}) == 1000
    assert 2 <= len({answer["pid"] for answer in answers}) <= 8
    assert sum(call.record.init_seconds is not None for call in calls) == len({answer["pid"] for answer in answers})


def test_calls_wait_in_order() -> None:
    """One environment works on one call at a time, first come, first served."""
    with Emulated("emulated.obey") as emulated:
        calls = [emulated.call({"sleep": 0.01}) for _ in range(10)]
        numbers = [json.loads(call.payload())["invocations"] for call in calls]
        assert numbers == list(range(1, 11))
        starts = [call.record.started_at or 0 for call in calls]
        ends = [call.finished().finished_at or 0 for call in calls]
        assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


def test_environments_are_started_when_needed(tmp_path: Path) -> None:
    """Further environments come with calls that would have to wait, up to the number allowed."""
    gate = tmp_path / "gate"
    with Emulated("emulated.obey", environments=2) as emulated:
        emulated.invoke()
        assert len(emulated.function.environments) == 1
        calls = [emulated.call({"until": str(gate)}) for _ in range(3)]
        emulated.until(lambda: sum(call.record.started_at is not None for call in calls) == 2, "that two are at work")
        assert emulated.function.waiting == 1
        gate.touch()
        pids = [json.loads(call.payload())["pid"] for call in calls]
        assert len(set(pids)) == 2
        assert len(emulated.function.environments) == 2


def test_reload_lets_work_finish(tmp_path: Path) -> None:
    """Later calls get a new environment; the one at work finishes, and then gets its SIGTERM."""
    gate = tmp_path / "gate"
    with Emulated("emulated.obey") as emulated:
        emulated.invoke()
        old = emulated.environment
        slow = emulated.call({"until": str(gate)})
        emulated.run(emulated.function.reload())
        assert emulated.invoke()["invocations"] == 1
        assert not slow.execution.done  # the new one did not wait for the old one
        gate.touch()
        assert json.loads(slow.payload())["invocations"] == 2
        emulated.until(lambda: not Path(f"/proc/{old.pid}").exists(), "the end of the old process")


def test_reload_while_a_call_waits() -> None:
    """The environment that the call waited for is replaced by one, not by one for the call and one for the reload."""
    with Emulated(command=NOTHING) as emulated:
        emulated.call()
        emulated.run(emulated.function.reload())
        assert len(emulated.function.environments) == 1


def test_kill_between_invocations() -> None:
    """An environment whose process was killed is replaced when the next call comes."""
    with Emulated("emulated.obey") as emulated:
        pid = emulated.invoke()["pid"]
        os.kill(pid, signal.SIGKILL)
        emulated.until(lambda: not emulated.function.environments, "that the end is noticed")
        assert emulated.invoke()["pid"] != pid


def test_closing_fails_what_is_left() -> None:
    """Calls at work, calls that wait and calls that come too late fail as shut down, and no process is left."""
    emulated = Emulated("emulated.obey")
    with emulated:
        pid = emulated.invoke()["pid"]
        working, waiting = emulated.call({"sleep": 60}), emulated.call()
        emulated.run(emulated.function.close())
        late = emulated.call()
        assert [call.failure().kind for call in (working, waiting, late)] == [Failure.SHUTDOWN] * 3
        assert not Path(f"/proc/{pid}").exists()


def test_nothing_is_lost_under_fire() -> None:
    """Crashes, failures, timeouts, kills and reloads among many calls: each gets the outcome that is its own."""
    events: list[dict[str, Any]] = [{"number": number} for number in range(120)]
    for number in range(5, 120, 10):
        events[number]["fail"] = "x"
    events[30]["exit"] = events[80]["exit"] = 1
    events[50]["sleep"] = 60
    with Emulated("emulated.obey", environments=3, timeout=1.0) as emulated:
        calls = [emulated.call(event) for event in events]
        emulated.until(lambda: calls[10].execution.done)
        emulated.run(emulated.function.reload())
        for event, call in zip(events, calls, strict=True):
            if "exit" in event:
                assert call.failure().kind is Failure.EXIT
            elif "sleep" in event:
                assert call.failure().kind is Failure.TIMEOUT
            elif "fail" in event:
                assert call.failure().kind is Failure.FUNCTION
            else:
                assert json.loads(call.payload())["event"] == event
        assert emulated.function.waiting == 0
