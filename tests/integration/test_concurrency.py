"""Many invocations on one loop: each in its own context, none touched by what happens to another."""

import json
import signal
import threading
import time
from typing import Any

import pytest

from support.answers import Answer, Drop, Stall, refusal
from support.environment import Environment, Launcher
from support.gates import Gates
from support.sample_events import function_url
from support.scripted_api import ScriptedRuntimeApi

TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1;Lineage={}"


def slots(count: int, **env: str) -> dict[str, str]:
    # Without the extension, whose connection would be one more.
    return {"AWS_LAMBDA_MAX_CONCURRENCY": str(count), "EVERLOOP_EXTENSION": "off", **env}


def path_of(answer: Any) -> Any:
    return json.loads(answer["body"])["path"]


def records(env: Environment) -> list[dict[str, Any]]:
    return [json.loads(line.text) for line in env.process.lines if line.text.startswith("{")]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_ten_thousand_interleaved_invocations_see_only_themselves(launch: Launcher, loop: dict[str, str]) -> None:
    """Context variables, request id, trace id, tenant id and log records belong to one invocation each."""
    count = 10_000 if loop["EVERLOOP_LOOP"] == "uvloop" else 2_000
    env = launch("side_by_side:isolated", slots(32) | loop)
    env.api.wait_for_poll(32)
    exchanges = [
        env.invoke(
            function_url(query=f"name={number}"),
            timeout=120,
            headers={"Lambda-Runtime-Trace-Id": TRACE.format(number), "Lambda-Runtime-Aws-Tenant-Id": f"t{number}"},
        )
        for number in range(count)
    ]
    for number, exchange in enumerate(exchanges):
        seen = json.loads(exchange.response(120)["body"])
        assert seen == {
            "found": None,
            "mark": str(number),
            "same": True,
            "request_id": exchange.request_id,
            "context_id": exchange.request_id,
            "trace_id": TRACE.format(number),
            "tenant_id": f"t{number}",
            "environment": None,
        }
    marks = [record for record in records(env) if record["message"].startswith("mark ")]
    assert len(marks) == count // 50
    for record in marks:
        number = int(record["message"].split()[1])
        assert record["requestId"] == exchanges[number].request_id
        assert record["traceId"] == TRACE.format(number)
        assert record["tenantId"] == f"t{number}"


@pytest.mark.slow
@pytest.mark.parametrize("handler", ["isolated_sync", "isolated_async", "isolated_generator", "isolated_wsgi"])
def test_handlers_of_every_kind_see_only_themselves(launch: Launcher, handler: str) -> None:
    """The same for plain handlers and WSGI applications, whose threads are used again and again."""
    count = 1_000
    env = launch(f"side_by_side:{handler}", slots(16))
    env.api.wait_for_poll(16)
    exchanges = []
    for number in range(count):
        event = function_url(query=f"name={number}") if handler == "isolated_wsgi" else {"name": str(number)}
        headers = {"Lambda-Runtime-Trace-Id": TRACE.format(number), "Lambda-Runtime-Aws-Tenant-Id": f"t{number}"}
        exchanges.append(env.invoke(event, timeout=120, headers=headers))
    for number, exchange in enumerate(exchanges):
        answer = exchange.response(120)
        seen = json.loads(answer["body"] if handler == "isolated_wsgi" else answer)
        assert seen == {
            "found": None,
            "mark": str(number),
            "same": True,
            "request_id": exchange.request_id,
            "context_id": exchange.request_id,
            "trace_id": TRACE.format(number),
            "tenant_id": f"t{number}",
            "environment": None,
        }
    marks = {record["message"]: record for record in records(env) if record["message"].startswith("mark ")}
    assert len(marks) == count // 50
    for message, record in marks.items():
        number = int(message.split()[1])
        assert (record["requestId"], record["tenantId"]) == (exchanges[number].request_id, f"t{number}")


def test_every_slot_polls_and_works_at_the_same_time(launch: Launcher, gates: Gates) -> None:
    """Sixty-four invocations are inside the application together."""
    env = launch("side_by_side:by_path", slots(64, **gates.env))
    env.api.wait_for_poll(64)
    exchanges = [env.invoke(function_url("/gate")) for _ in range(64)]
    env.process.wait_for_logs("at the gate", 64)
    gates.open("open")
    assert {path_of(exchange.response()) for exchange in exchanges} == {"/gate"}
    assert len(env.process.logged("startup of")) == 1


def test_every_slot_has_a_thread_for_what_blocks(launch: Launcher, loop: dict[str, str]) -> None:
    """`asyncio.to_thread()` in all slots at once: asyncio's own pool has never more than 32 threads, and mostly six."""
    env = launch("side_by_side:meets_in_threads", slots(40) | loop)
    env.api.wait_for_poll(40)
    exchanges = [env.invoke(function_url()) for _ in range(40)]
    assert [exchange.response()["body"] for exchange in exchanges] == ["met"] * 40


def test_streams_and_buffered_answers_side_by_side(launch: Launcher) -> None:
    """Neither waits for the other, and no byte of one gets into the other."""
    env = launch("side_by_side:by_path", slots(16, EVERLOOP_RESPONSE_MODE="streaming"))
    env.api.wait_for_poll(16)
    exchanges = [env.invoke(function_url("/stream" if number % 2 else "/sleep")) for number in range(64)]
    for number, exchange in enumerate(exchanges):
        exchange.wait()
        if number % 2:
            assert exchange.request.stream() == b"".join(b"%d " % piece for piece in range(20)) + b"end"
        else:
            assert json.loads(exchange.request.stream())["path"] == "/sleep"
        assert exchange.trailers == {}


def test_the_next_poll_of_a_slot_follows_its_answer_at_once(launch: Launcher) -> None:
    """Within 5 ms: an invocation that finds no poll is turned away."""
    env = launch("side_by_side:by_path", slots(4))
    env.api.wait_for_poll(4)
    late = []
    for _ in range(40):
        exchange = env.invoke(function_url("/sleep")).wait()
        env.api.wait_for_poll(4)
        poll = max(env.api.parked, key=lambda request: request.received_at)
        assert poll.connection is exchange.request.connection
        assert exchange.request.completed_at is not None
        late.append(poll.received_at - exchange.request.completed_at)
    # The scripted Runtime API is Python on the same machine: what it is late by itself must not fail the law.
    assert sorted(late)[30] < 0.005


def test_a_failure_touches_no_other_slot(launch: Launcher, gates: Gates) -> None:
    """An exception, a deadline, a refused answer and a lost connection; the others go on and are answered."""
    env = launch("side_by_side:by_path", slots(8, **gates.env))
    env.api.wait_for_poll(8)
    steady = [env.invoke(function_url("/gate")) for _ in range(3)]
    env.process.wait_for_logs("at the gate", 3)
    raised = env.invoke(function_url("/raise"))
    late = env.invoke(function_url("/wait"), timeout=0.6)
    refused = env.invoke(function_url("/sleep"), answer=refusal(410, "InvokeTimeout"))
    dropped = env.invoke(function_url("/sleep"), answer=Drop())
    assert raised.response()["statusCode"] == 500
    assert late.response()["statusCode"] == 504
    refused.wait()
    dropped.wait()
    env.process.wait_for_log(f"{refused.request_id} with status 410 InvokeTimeout")
    env.process.wait_for_log(f"{dropped.request_id} was being answered")
    env.api.wait_for_poll(5)
    gates.open("open")
    assert [exchange.response()["statusCode"] for exchange in steady] == [200] * 3
    env.api.wait_for_poll(8)
    assert env.answers(function_url("/sleep"))["statusCode"] == 200


def test_a_connection_that_breaks_while_its_slot_works_touches_no_other(launch: Launcher, gates: Gates) -> None:
    """The others' connections stay, and the slot polls on a new one."""
    env = launch("side_by_side:by_path", slots(3, **gates.env))
    env.api.wait_for_poll(3)
    broken, steady = (env.invoke(function_url("/gate")) for _ in range(2))
    env.process.wait_for_logs("at the gate", 2)
    broken.wait_for_delivery().delivered_to.connection.close(reset=True)  # type: ignore[union-attr]
    env.process.wait_for_log(f"{broken.request_id} was being worked on")
    gates.open("open")
    assert steady.response()["statusCode"] == 200
    env.api.wait_for_poll(3)
    assert len(env.api.connections) == 4


def test_a_forbidden_poll_in_one_slot_ends_the_process(launch: Launcher, api: ScriptedRuntimeApi) -> None:
    """403: Lambda and the process disagree on whose turn it is, and only a new process helps."""
    env = launch("side_by_side:by_path", slots(4), api=api)
    api.wait_for_poll(4)
    api.script("next", refusal(403, "InvalidStateTransition"))
    with api.changed:
        api.changed.notify_all()
    assert env.process.exit_code() == 1
    assert "The Runtime API is lost" in env.process.log


def test_a_runtime_api_out_of_reach_ends_all_slots(launch: Launcher, api: ScriptedRuntimeApi) -> None:
    """When nothing listens any more, the slots try five times and the process exits with 1."""
    env = launch("side_by_side:by_path", slots(4), api=api)
    api.wait_for_poll(4)
    api.close()
    assert env.process.exit_code(10) == 1
    assert len(env.process.logged("The Runtime API is lost")) == 1


def test_sigterm_lets_work_in_flight_end(launch: Launcher, gates: Gates) -> None:
    """Every slot's answer is sent, none polls again, the lifespan shuts down once."""
    env = launch("side_by_side:by_path", slots(8, EVERLOOP_SHUTDOWN_TIMEOUT="5", **gates.env))
    env.api.wait_for_poll(8)
    exchanges = [env.invoke(function_url("/gate")) for _ in range(6)]
    env.process.wait_for_logs("at the gate", 6)
    env.process.signal(signal.SIGTERM)
    gates.open("open")
    assert [exchange.response()["statusCode"] for exchange in exchanges] == [200] * 6
    assert env.process.exit_code() == 0
    assert len(env.process.logged("shutdown of")) == 1
    assert len(env.api.requests_to("next")) == 8


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_exit_in_a_task_lets_work_in_flight_end(
    launch: Launcher, gates: Gates, loop: dict[str, str], workers: str
) -> None:
    """As one in the application itself: what others have begun is answered, the lifespan shuts down, with the code."""
    env = launch(
        "side_by_side:by_path",
        slots(8, EVERLOOP_SHUTDOWN_TIMEOUT="5", EVERLOOP_WORKERS=workers, **gates.env) | loop,
    )
    env.api.wait_for_poll(8)
    steady = [env.invoke(function_url("/gate")) for _ in range(3)]
    env.process.wait_for_logs("at the gate", 3)
    assert env.invoke(function_url("/exit-in-task")).response()["statusCode"] == 200
    env.process.wait_for_log("A task raised SystemExit")
    gates.open("open")
    assert [exchange.response()["statusCode"] for exchange in steady] == [200] * 3
    assert env.process.exit_code() == 7
    assert len(env.process.logged("shutdown of")) == int(workers)


def test_sigterm_ends_a_process_full_of_hung_applications(launch: Launcher) -> None:
    """Sixty-four that ignore their cancellation: exit 0 in time, all the same."""
    env = launch("waiting:stubborn", slots(64, EVERLOOP_SHUTDOWN_TIMEOUT="1"))
    env.api.wait_for_poll(64)
    for exchange in [env.invoke(function_url(), timeout=60) for _ in range(64)]:
        exchange.wait_for_delivery()
    begun = time.monotonic()
    env.process.signal(signal.SIGTERM)
    assert env.process.exit_code(10) == 0
    assert time.monotonic() - begun < 5
    assert len(env.api.requests_to("next")) == 64


@pytest.mark.parametrize(
    ("path", "function"), [("/block", "blocks_the_loop"), ("/block-at-once", "by_path")], ids=["resumed", "at once"]
)
def test_a_function_that_blocks_the_loop_is_named(
    launch: Launcher, gates: Gates, loop: dict[str, str], path: str, function: str
) -> None:
    """The warning comes while it blocks, names function and line, belongs to its invocation, and comes once."""
    env = launch("side_by_side:by_path", slots(4, **gates.env) | loop)
    env.api.wait_for_poll(4)
    others = env.invoke(function_url("/gate"))
    env.process.wait_for_log("at the gate")
    blocking = [env.invoke(function_url(path)) for _ in range(2)]
    warning = json.loads(env.process.wait_for_log("blocked the event loop").text)
    assert warning["message"].startswith(f"{function}() has blocked the event loop for more than 100 ms while ")
    assert "side_by_side.py" in warning["message"]
    assert warning["level"] == "WARNING"
    assert warning["requestId"] in {exchange.request_id for exchange in blocking}
    gates.open("open")
    for exchange in [others, *blocking]:
        assert exchange.response()["statusCode"] == 200
    assert len(env.process.logged("blocked the event loop")) == 1


def test_an_event_that_nobody_has_read_waits_too(launch: Launcher, loop: dict[str, str]) -> None:
    """The loop that is blocked cannot take it, so only the connection knows of it."""
    env = launch("side_by_side:by_path", slots(2) | loop)
    env.api.wait_for_poll(2)
    env.invoke(function_url("/block-at-once")).wait_for_delivery()
    env.invoke(function_url("/sleep"))
    assert "while 1 other invocation(s) wait" in env.process.wait_for_log("blocked the event loop").text


def test_nobody_is_told_of_a_block_that_keeps_nobody_waiting(launch: Launcher, loop: dict[str, str]) -> None:
    """Lambda's acknowledgement of the response, which comes meanwhile, is no invocation."""
    env = launch("blocking:after_last", slots(4) | loop)
    env.api.wait_for_poll(4)
    for _ in range(2):
        env.answers(function_url())
        env.api.wait_for_poll(4)
    assert env.process.logged("blocked the event loop") == []


def test_nobody_is_blamed_for_what_threads_compute(launch: Launcher, loop: dict[str, str]) -> None:
    """Thirty threads that want the interpreter's lock crowd the loop out; it does not block in any function."""
    env = launch("side_by_side:by_path", slots(32) | loop)
    env.api.wait_for_poll(32)
    for exchange in [env.invoke(function_url("/compute-in-thread"), timeout=60) for _ in range(32)]:
        exchange.wait(30)
    assert env.process.logged("blocked the event loop") == []


def test_nobody_is_blamed_for_a_turn_of_many(launch: Launcher, loop: dict[str, str]) -> None:
    """Thirty-two invocations that go on in the same turn and compute for 10 ms each: none has blocked for 100."""
    env = launch("side_by_side:by_path", slots(32) | loop)
    env.api.wait_for_poll(32)
    for exchange in [env.invoke(function_url("/compute-together"), timeout=60) for _ in range(32)]:
        exchange.wait(30)
    assert env.process.logged("blocked the event loop") == []


def test_nobody_is_told_of_a_loop_that_only_waits(launch: Launcher) -> None:
    """Slow is not blocked."""
    env = launch("side_by_side:by_path", slots(4))
    for exchange in [env.invoke(function_url("/sleep")) for _ in range(40)]:
        exchange.response()
    assert env.process.logged("blocked the event loop") == []


@pytest.mark.slow
def test_sixty_four_streams_stay_within_back_pressure(launch: Launcher) -> None:
    """A Runtime API that does not read holds 64 streams of 4 MiB up; the process does not hold them in memory."""
    with ScriptedRuntimeApi(receive_buffer=65536) as api:
        env = launch("side_by_side:by_path", slots(64, EVERLOOP_RESPONSE_MODE="streaming"), api=api)
        api.wait_for_poll(64, 20)
        before = env.process.memory()
        read_on = threading.Event()
        stalled = Answer(stall=Stall(1, read_on))
        exchanges = [env.invoke(function_url("/flood"), timeout=60, answer=stalled) for _ in range(64)]
        for exchange in exchanges:
            exchange.wait_for_head(60)
        read_on.set()
        for exchange in exchanges:
            exchange.wait(60)
            assert len(exchange.request.stream()) == 64 * 65536
        # 256 MiB went through; a chunk per stream and what it is made of is what may be here at a time.
        assert env.process.memory("VmHWM") - before < 24 * 1024 * 1024


@pytest.mark.slow
def test_sixty_four_events_of_six_megabytes(launch: Launcher, gates: Gates) -> None:
    """All of them in the application at the same time take at most three times their size."""
    env = launch("side_by_side:measures", slots(64, **gates.env))
    env.api.wait_for_poll(64, 20)
    before = env.process.memory()
    large = json.dumps(function_url("/", method="POST", body="x" * 6_000_000)).encode()
    exchanges = [env.invoke(large, timeout=60) for _ in range(64)]
    for exchange in exchanges:
        exchange.wait_for_delivery(60)
    gates.open("open")
    for exchange in exchanges:
        assert exchange.response(60)["statusCode"] == 200
    assert env.process.memory("VmHWM") - before < 3 * 64 * 6 * 1024 * 1024


def test_answers_that_come_too_late_cost_their_slot_nothing(launch: Launcher) -> None:
    """410 is logged with the request id; the same connection polls on."""
    env = launch("side_by_side:by_path", slots(2))
    env.api.wait_for_poll(2)
    for _ in range(6):
        late = env.invoke(function_url("/sleep"), answer=refusal(410, "InvokeTimeout")).wait()
        env.process.wait_for_log(late.request_id)
    env.api.wait_for_poll(2)
    assert env.answers(function_url("/sleep"))["statusCode"] == 200
    assert len(env.api.connections) == 2
