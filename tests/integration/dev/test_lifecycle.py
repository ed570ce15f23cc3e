"""Freezing, stopping, Managed Instances, snapshots and the metadata service, with the real runtime."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from everloop.dev.calls import Failure
from everloop.dev.environment_states import Phase
from support.emulated import Emulated
from support.process import APPS


def state_of(pid: int) -> str:
    """A process's state as /proc shows it: `T` is stopped."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]


def test_a_frozen_environment_makes_no_progress(tmp_path: Path) -> None:
    """Between invocations a thread in the background stands still; the next one wakes it up."""
    ticks = tmp_path / "ticks"
    with Emulated("emulated.ticking", freeze=True) as emulated:
        emulated.invoke(str(ticks))
        pid = emulated.environment.pid
        emulated.until(lambda: state_of(pid) == "T", "that it is frozen")
        before = ticks.stat().st_size
        time.sleep(0.3)  # sixty turns
        assert ticks.stat().st_size == before
        emulated.until(lambda: emulated.invoke() is None and ticks.stat().st_size > before, "a turn")
        assert emulated.environment.pid == pid


def test_without_freezing_the_background_goes_on(tmp_path: Path) -> None:
    """The same thread turns between invocations: what the law above sees is the freezing."""
    ticks = tmp_path / "ticks"
    with Emulated("emulated.ticking") as emulated:
        emulated.invoke(str(ticks))
        before = ticks.stat().st_size
        emulated.until(lambda: ticks.stat().st_size > before + 40, "forty turns")


def test_a_frozen_environment_ends_in_order(tmp_path: Path) -> None:
    """It is thawed before its SIGTERM, so its lifespan ends."""
    file = tmp_path / "lifespan"
    environ = {"LIFESPAN_FILE": str(file)}
    with Emulated("lifespans:ok", freeze=True, environ=environ) as emulated:
        emulated.ready()
        pid = emulated.environment.pid
        emulated.until(lambda: state_of(pid) == "T", "that it is frozen")
    assert file.read_text(encoding="utf-8") == "startup\nlifespan.shutdown\n"


def test_stopping_is_sigterm_first(tmp_path: Path) -> None:
    """The runtime registers an extension, so it gets SIGTERM and ends its lifespan."""
    file = tmp_path / "lifespan"
    with Emulated("lifespans:ok", environ={"LIFESPAN_FILE": str(file)}) as emulated:
        emulated.ready()
    assert file.read_text(encoding="utf-8") == "startup\nlifespan.shutdown\n"


def test_without_an_extension_there_is_no_sigterm(tmp_path: Path) -> None:
    """As on Lambda: who has not registered is killed without a word."""
    file = tmp_path / "lifespan"
    environ = {"LIFESPAN_FILE": str(file), "EVERLOOP_EXTENSION": "off"}
    with Emulated("lifespans:ok", environ=environ) as emulated:
        emulated.ready()
    assert file.read_text(encoding="utf-8") == "startup\n"


def test_sigkill_500_ms_after_sigterm(tmp_path: Path) -> None:
    """A process that does not care about SIGTERM is killed, and so is what it has started."""
    script = tmp_path / "deaf.py"
    script.write_text(
        "import os, signal, subprocess, sys, time, urllib.request\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('heard', flush=True))\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        "api = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API']\n"
        "headers = {'Lambda-Extension-Name': 'deaf'}\n"
        "request = urllib.request.Request(api + '/2020-01-01/extension/register', b'{}', headers)\n"
        "urllib.request.urlopen(request).read()\n"
        "print('child', child.pid, flush=True)\n"
        "while True: time.sleep(1)\n",
        encoding="utf-8",
    )
    with Emulated(command=(sys.executable, str(script))) as emulated:
        emulated.until(lambda: "child" in emulated.log, "its start")
        pids = [emulated.environment.pid, int(emulated.log.split()[1])]
        began = time.monotonic()
        emulated.run(emulated.function.close())
        assert time.monotonic() - began >= 0.5
        assert "heard" in emulated.log
        emulated.until(lambda: all(not alive(pid) for pid in pids), "the end of both")


def alive(pid: int) -> bool:
    try:
        return state_of(pid) != "Z"
    except OSError:
        return False


def test_managed_instances_work_side_by_side(tmp_path: Path) -> None:
    """One environment works on as many calls as it has slots; its variables say so."""
    gate = tmp_path / "gate"
    with Emulated("emulated.obey_side_by_side", max_concurrency=8, environments=5) as emulated:
        assert emulated.ready() is None
        calls = [emulated.call({"until": str(gate), "number": number}) for number in range(16)]
        emulated.until(lambda: sum(call.record.started_at is not None for call in calls) == 8, "that eight are at work")
        assert emulated.function.waiting == 8
        gate.touch()
        answers = [json.loads(call.payload()) for call in calls]
    assert [answer["event"]["number"] for answer in answers] == list(range(16))
    assert len({answer["pid"] for answer in answers}) == 1
    with Emulated("emulated.describe", max_concurrency=2) as emulated:
        environ = emulated.invoke()["environ"]
    assert environ["AWS_LAMBDA_MAX_CONCURRENCY"] == "2"
    assert environ["AWS_LAMBDA_INITIALIZATION_TYPE"] == "lambda-managed-instances"


def test_a_managed_environment_that_ends_fails_all_its_calls(tmp_path: Path) -> None:
    """Every call that it had fails, and later ones get a new environment."""
    with Emulated("emulated.obey_side_by_side", max_concurrency=4) as emulated:
        emulated.ready()
        calls = [emulated.call({"until": str(tmp_path / "never")}) for _ in range(3)]
        emulated.until(lambda: all(call.record.started_at for call in calls), "that all are at work")
        pid = emulated.environment.pid
        os.kill(pid, signal.SIGKILL)
        assert [call.failure().kind for call in calls] == [Failure.EXIT] * 3
        assert emulated.invoke({})["pid"] != pid


def test_snapstart_restores_for_the_first_call() -> None:
    """The initialisation type says so, there are no log variables, and the first call is answered."""
    with Emulated("emulated.describe", snapstart=True) as emulated:
        assert emulated.ready() is None
        assert emulated.environment.phase in (Phase.SNAPSHOT, Phase.READY)
        environ = emulated.invoke()["environ"]
    assert environ["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start"
    assert "AWS_LAMBDA_LOG_GROUP_NAME" not in environ
    assert "AWS_LAMBDA_LOG_STREAM_NAME" not in environ


def test_the_metadata_service() -> None:
    """Who has the token learns the availability zone."""
    with Emulated("emulated.metadata", region="ap-southeast-2") as emulated:
        assert emulated.invoke() == {"AvailabilityZoneID": "apse2-az1"}


def test_nothing_is_left_of_a_killed_emulator(tmp_path: Path) -> None:
    """Where the emulator itself is killed, its frozen runtime is hung up by the kernel instead of sleeping for ever."""
    script = tmp_path / "emulate.py"
    script.write_text(
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from everloop.dev.config import FunctionConfig\n"
        "from everloop.dev.function import Function\n"
        "from everloop.dev.journal import Journal\n"
        "async def main():\n"
        "    config = FunctionConfig(handler='plain.echo', task_root=Path(sys.argv[1]), freeze=True)\n"
        "    function = Function(config, Journal())\n"
        "    await function.start()\n"
        "    await function.ready()\n"
        "    print(function.environments[0].pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n",
        encoding="utf-8",
    )
    with subprocess.Popen([sys.executable, str(script), str(APPS)], stdout=subprocess.PIPE) as emulator:
        assert emulator.stdout is not None
        pid = int(emulator.stdout.readline())
        deadline = time.monotonic() + 30
        while state_of(pid) != "T":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        emulator.kill()
    while alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("streaming", [False, True])
def test_the_response_mode_follows_the_configuration(streaming: bool) -> None:
    """EVERLOOP_RESPONSE_MODE is what the function is configured with."""
    with Emulated("emulated.describe", streaming=streaming) as emulated:
        environ = emulated.invoke()["environ"]
    assert environ["EVERLOOP_RESPONSE_MODE"] == ("streaming" if streaming else "buffered")
