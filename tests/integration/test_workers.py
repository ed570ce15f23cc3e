"""EVERLOOP_WORKERS: several processes share one environment, and end together."""

import contextlib
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from support.environment import Environment, Launcher
from support.gates import Gates
from support.sample_events import function_url


def workers(count: int | str, slots: int, **env: str) -> dict[str, str]:
    return {"AWS_LAMBDA_MAX_CONCURRENCY": str(slots), "EVERLOOP_WORKERS": str(count), **env}


def pids(env: Environment, what: str, count: int) -> set[int]:
    return {int(line.text.split()[-1]) for line in env.process.wait_for_logs(f"^{what} of", count)}


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_workers_share_the_slots_and_the_import(launch: Launcher, gates: Gates, loop: dict[str, str]) -> None:
    """The parent imports; each worker has a lifespan, a loop and its share of the slots."""
    env = launch("side_by_side:by_path", workers(2, 5, **gates.env) | loop)
    env.api.wait_for_poll(5)
    started = pids(env, "startup", 2)
    assert env.process.pid not in started
    exchanges = [env.invoke(function_url("/gate")) for _ in range(5)]
    env.process.wait_for_logs("at the gate", 5)
    gates.open("open")
    answers = [json.loads(exchange.response()["body"]) for exchange in exchanges]
    assert {answer["imported_by"] for answer in answers} == {env.process.pid}
    assert sorted([answer["pid"] for answer in answers].count(pid) for pid in started) == [2, 3]
    assert len(env.process.logged("is an ASGI application")) == 1
    env.process.signal(signal.SIGTERM)
    assert env.process.exit_code() == 0
    assert pids(env, "shutdown", 2) == started
    assert all(map(gone, started))


def test_auto_takes_a_worker_per_processor(launch: Launcher) -> None:
    """But never more than there are slots."""
    env = launch("side_by_side:by_path", workers("auto", 64))
    env.api.wait_for_poll(64)
    expected = min(len(os.sched_getaffinity(0)), 64)
    assert len(pids(env, "startup", 1)) == expected


def test_auto_outside_of_managed_instances_is_one_process(launch: Launcher) -> None:
    """Nothing to share."""
    env = launch("side_by_side:by_path", {"EVERLOOP_WORKERS": "auto"})
    assert json.loads(env.answers(function_url("/sleep"))["body"])["pid"] == env.process.pid


def test_more_workers_than_slots_is_a_wrong_setting(launch: Launcher) -> None:
    """Told to Lambda with both numbers."""
    env = launch("side_by_side:by_path", workers(3, 2))
    assert env.process.exit_code() == 1
    report = env.api.wait_for_request("init/error").json()
    assert report["errorType"] == "Runtime.InvalidSettings"
    assert "EVERLOOP_WORKERS='3': expected auto or at most 2" in report["errorMessage"]


def test_sigterm_is_forwarded_and_work_in_flight_ends(launch: Launcher, gates: Gates) -> None:
    """One signal to the first process is enough for all, and one that reaches the whole group is no second one."""
    env = launch("side_by_side:by_path", workers(2, 4, EVERLOOP_SHUTDOWN_TIMEOUT="5", **gates.env))
    env.api.wait_for_poll(4)
    exchanges = [env.invoke(function_url("/gate")) for _ in range(4)]
    env.process.wait_for_logs("at the gate", 4)
    os.killpg(env.process.pid, signal.SIGTERM)
    gates.open("open")
    assert [exchange.response()["statusCode"] for exchange in exchanges] == [200] * 4
    assert env.process.exit_code() == 0
    assert len(env.process.logged("shutdown of")) == 2
    assert len(env.api.requests_to("next")) == 4


def test_a_shutdown_that_hangs_is_cut_short(launch: Launcher) -> None:
    """Whatever a worker does, the time limit holds for all of them."""
    env = launch("side_by_side:by_path", workers(2, 2, EVERLOOP_SHUTDOWN_TIMEOUT="0.4"))
    env.api.wait_for_poll(2)
    started = pids(env, "startup", 2)
    stopped = started.pop()
    os.kill(stopped, signal.SIGSTOP)
    env.process.signal(signal.SIGTERM)
    assert env.process.exit_code() == 0
    assert gone(stopped)


def test_a_worker_that_dies_ends_the_process(launch: Launcher) -> None:
    """With exit code 1 and a line that says who died of what: Lambda replaces the environment."""
    env = launch("side_by_side:by_path", workers(2, 4))
    env.api.wait_for_poll(4)
    started = pids(env, "startup", 2)
    env.invoke(function_url("/die")).wait_for_delivery()
    assert env.process.exit_code() == 1
    died = env.process.logged(r"Worker \d of 2 died \(SIGKILL")
    assert len(died) == 1
    assert json.loads(died[0].text)["level"] == "CRITICAL"
    assert len(env.process.logged("shutdown of")) == 1
    assert all(map(gone, started))


def test_workers_that_die_in_the_shutdown_are_told_of(launch: Launcher) -> None:
    """The exit code is that of a stop that was asked for, but what they had to do in it is not done."""
    env = launch("side_by_side:dies_in_shutdown", workers(2, 2))
    env.api.wait_for_poll(2)
    env.process.signal(signal.SIGTERM)
    assert env.process.exit_code() == 0
    assert len(env.process.logged(r"Worker \d of 2 died \(SIGKILL.*\) during the shutdown")) == 2


def test_an_application_that_exits_ends_the_process_with_its_code(launch: Launcher) -> None:
    """SystemExit in one worker is the whole environment's."""
    env = launch("side_by_side:by_path", workers(2, 2))
    env.api.wait_for_poll(2)
    assert env.invoke(function_url("/exit")).error()["errorType"] == "SystemExit"
    assert env.process.exit_code() == 7
    assert len(env.process.logged("shutdown of")) == 2


def test_workers_end_when_their_parent_is_gone(launch: Launcher) -> None:
    """Nobody is left behind that polls for an environment that is none."""
    env = launch("side_by_side:by_path", workers(2, 2))
    env.api.wait_for_poll(2)
    started = pids(env, "startup", 2)
    env.process.signal(signal.SIGKILL)
    env.process.wait_for_logs("shutdown of", 2)
    env.api.wait_for(lambda: not any(connection.open for connection in env.api.connections), "closed connections")
    for pid in started:
        with contextlib.suppress(FileNotFoundError):
            assert gone(pid) or Path(f"/proc/{pid}/stat").exists()


def test_workers_end_when_their_parent_is_gone_before_they_poll(launch: Launcher, tmp_path: Path) -> None:
    """Neither one that waits for the others polls then, nor does one whose startup hangs live on."""
    env = launch("side_by_side:one_never_starts", workers(3, 3, FIRST=str(tmp_path / "first")))
    hangs = env.process.wait_for_log("hangs in")
    waits = env.process.wait_for_logs("ready in", 2)
    started = [int(line.text.split()[-1]) for line in [hangs, *waits]]
    time.sleep(0.2)  # in which those that are ready would poll
    assert env.api.requests_to("next") == []
    env.process.signal(signal.SIGKILL)
    env.process.wait_for_logs("process that started this worker is gone", 3)
    until = time.monotonic() + 5
    while not all(map(gone, started)) and time.monotonic() < until:
        time.sleep(0.01)
    assert all(map(gone, started))
    assert env.api.requests_to("next") == []


@pytest.mark.parametrize(
    ("handler", "error_type"),
    [
        ("nowhere:app", "Runtime.ImportModuleError"),
        ("side_by_side:imported_by", "Runtime.HandlerNotFound"),
        ("side_by_side:fails_to_start", "Runtime.LifespanFailed"),
    ],
    ids=["import", "kind", "lifespan"],
)
def test_a_failed_start_is_reported_once_and_nobody_polls(launch: Launcher, handler: str, error_type: str) -> None:
    """Whether it fails before the fork or in every worker."""
    env = launch(handler, workers(3, 6))
    assert env.process.exit_code() == 1
    assert env.api.wait_for_request("init/error").json()["errorType"] == error_type
    assert len(env.api.requests_to("init/error")) == 1
    assert env.api.requests_to("next") == []
    assert len(env.process.logged(error_type)) == 1


def test_a_runtime_api_that_forbids_one_worker_ends_all(launch: Launcher) -> None:
    """As in one process."""
    env = launch("side_by_side:by_path", workers(2, 2))
    env.api.wait_for_poll(2)
    env.api.close()
    assert env.process.exit_code(10) == 1
    assert "The Runtime API is lost" in env.process.log


def test_workers_write_to_the_log_provider(launch: Launcher, tmp_path: Path) -> None:
    """Two connections for each worker, one per stream; the parent keeps what Lambda gave it."""
    path = str(tmp_path / "logs")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        env = launch("side_by_side:by_path", workers(2, 2, _LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET=path))
        listener.settimeout(10)
        connections = [listener.accept()[0] for _ in range(4)]
        received: list[bytes] = []

        def read(connection: socket.socket) -> None:
            data = b""
            while piece := connection.recv(4096):
                data += piece
            received.append(data)

        readers = [threading.Thread(target=read, args=(connection,)) for connection in connections]
        for reader in readers:
            reader.start()
        env.api.wait_for_poll(2)
        assert env.answers(function_url("/raise"))["statusCode"] == 500
        env.process.signal(signal.SIGTERM)
        assert env.process.exit_code() == 0
        for reader in readers:
            reader.join(5)
        for connection in connections:
            connection.close()
    assert sum(b"startup of" in data for data in received) == 2
    assert sum(b"on purpose" in data for data in received) == 1
    assert env.process.logged("startup of") == []


def test_one_extension_is_registered_for_all(launch: Launcher) -> None:
    """Names of extensions are taken once; one is enough for Lambda's SIGTERM."""
    env = launch("side_by_side:by_path", workers(3, 3))
    env.api.wait_for_poll(3)
    assert len(env.api.requests_to("register")) == 1
