"""SIGTERM and SIGINT, whenever they come: work may finish, lifespan shuts down, exit 0, within the time."""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from support.answers import Answer, Drop, Stall, refusal
from support.environment import Launcher
from support.gates import Gates
from support.process import RuntimeProcess
from support.sample_events import function_url
from support.scripted_api import ScriptedRuntimeApi

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])


def seconds_to_exit(process: RuntimeProcess, number: int, code: int = 0) -> float:
    started = time.monotonic()
    process.signal(number)
    assert process.exit_code() == code, process.log
    return time.monotonic() - started


@SIGNALS
def test_idle(launch: Launcher, loop: dict[str, str], tmp_path: Path, number: int) -> None:
    """While a poll waits: shutdown, exit 0, at once, without a traceback."""
    record = tmp_path / "lifespan"
    env = launch("lifespans:ok", {**loop, "LIFESPAN_FILE": str(record), "EVERLOOP_SHUTDOWN_TIMEOUT": "9"})
    env.answers(function_url())
    env.api.wait_for_poll()
    assert seconds_to_exit(env.process, number) < 1
    assert record.read_text(encoding="utf-8") == "startup\nlifespan.shutdown\n"
    assert "Traceback" not in env.process.log


def test_atexit_functions_run(launch: Launcher, tmp_path: Path) -> None:
    """Functions registered with `atexit` run."""
    file = tmp_path / "atexit"
    env = launch("talking:app", {"ATEXIT_FILE": str(file)})
    env.api.wait_for_poll()
    seconds_to_exit(env.process, signal.SIGTERM)
    assert file.read_text(encoding="utf-8") == "atexit ran"


HANGS = """
import time
from everloop.signals import StopSignals

signals = StopSignals(0.1)
signals.on_stop = lambda: None
signals.install()
print("installed", flush=True)
while True:
    time.sleep(60)
"""


def test_output_that_nobody_reads_does_not_keep_the_process() -> None:
    """As when the emulator that it ran under is gone: the line that tells of the cut is lost, the end is not."""
    with subprocess.Popen([sys.executable, "-c", HANGS], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"installed\n"
        process.stdout.close()
        process.terminate()
        try:
            assert process.wait(20) == 0
        finally:
            process.kill()


@SIGNALS
def test_in_a_request(launch: Launcher, gates: Gates, number: int) -> None:
    """A request in flight may finish: its response goes out, no poll follows, exit 0."""
    env = launch("waiting:by_path", {**gates.env, "EVERLOOP_SHUTDOWN_TIMEOUT": "2"})
    exchange = env.invoke(function_url("/gate"))
    env.process.wait_for_log("waiting at the gate")
    env.process.signal(number)
    gates.open("turn")
    env.process.wait_for_log("the loop has turned")  # so the signal has been seen when the application ends
    gates.open("answer")
    assert exchange.response()["body"] == "at once"
    assert env.process.exit_code() == 0
    assert len(env.api.requests_to("next")) == 1


def test_in_a_request_that_does_not_end(launch: Launcher, tmp_path: Path) -> None:
    """Work gets half of the time, then it is cancelled and the lifespan shutdown runs; exit 0 in time."""
    env = launch("waiting:for_cancellation", {"EVERLOOP_SHUTDOWN_TIMEOUT": "0.8"})
    env.invoke(function_url())
    env.process.wait_for_log("^begun$")  # an event that has not been read when the signal comes may never be
    started = time.monotonic()
    assert seconds_to_exit(env.process, signal.SIGTERM) < 1.4
    cancelled = env.process.wait_for_log("^cancelled$")
    assert 0.35 < cancelled.at - started < 0.8
    assert len(env.api.requests_to("next")) == 1


def test_in_a_request_that_ignores_everything(launch: Launcher) -> None:
    """Not even an application that ignores cancellation keeps the process: exit 0 in time, with a log line."""
    env = launch("waiting:stubborn", {"EVERLOOP_SHUTDOWN_TIMEOUT": "0.6"})
    env.invoke(function_url())
    env.process.wait_for_log("^begun$")
    assert seconds_to_exit(env.process, signal.SIGTERM) < 1.2
    assert env.process.logged(r"1 invocation\(s\) did not end when they were cancelled|was cut short after")


def test_in_a_stream(launch: Launcher, gates: Gates) -> None:
    """A stream in flight may finish as well."""
    settings = {"EVERLOOP_RESPONSE_MODE": "streaming", "EVERLOOP_SHUTDOWN_TIMEOUT": "2", **gates.env}
    env = launch("streaming:gated", settings)
    gates.open("first")
    exchange = env.invoke(function_url())
    exchange.wait_for_bytes(b"one")
    env.process.signal(signal.SIGTERM)
    gates.open("second")
    exchange.wait_for_bytes(b"two")  # the loop has turned, so the signal has been seen
    gates.open("end")
    assert exchange.wait().request.stream() == b"onetwo"
    assert exchange.trailers == {}
    assert env.process.exit_code() == 0
    assert len(env.api.requests_to("next")) == 1


def test_in_a_stream_that_does_not_end(launch: Launcher) -> None:
    """A stream that does not end is cut, honestly: with trailers or a broken connection, never as if it were whole."""
    env = launch("waiting:in_stream", {"EVERLOOP_RESPONSE_MODE": "streaming"})
    exchange = env.invoke(function_url())
    exchange.wait_for_bytes(b"half")
    assert seconds_to_exit(env.process, signal.SIGTERM) < 1.2
    exchange.wait()
    assert exchange.request.broken or "lambda-runtime-function-error-type" in exchange.trailers


def test_hanging_shutdown_is_cut_short(launch: Launcher, tmp_path: Path) -> None:
    """A lifespan shutdown that hangs is cut off within the time: exit 0, and a log line says so."""
    record = tmp_path / "lifespan"
    env = launch("lifespans:shutdown_hangs", {"LIFESPAN_FILE": str(record)})
    env.answers(function_url())
    env.api.wait_for_poll()
    assert 0.2 < seconds_to_exit(env.process, signal.SIGTERM) < 1.2
    assert record.read_text(encoding="utf-8") == "shutdown begins\n"
    assert env.process.logged("the shutdown was cut short after")


def test_the_last_line_is_a_record(launch: Launcher, tmp_path: Path) -> None:
    """In the form that was asked for: on Managed Instances every line is JSON."""
    settings = {"LIFESPAN_FILE": str(tmp_path / "lifespan"), "AWS_LAMBDA_MAX_CONCURRENCY": "2"}
    env = launch("lifespans:shutdown_hangs", settings)
    env.api.wait_for_poll(2)
    env.process.signal(signal.SIGTERM)
    env.process.exit_code()
    [line] = env.process.logged("the shutdown was cut short after")
    assert json.loads(line.text)["level"] == "WARNING"


def test_blocked_loop_does_not_keep_the_process(launch: Launcher) -> None:
    """Whatever happens: an application that blocks the loop does not delay the exit much beyond the setting."""
    env = launch("blocking:long", {"EVERLOOP_SHUTDOWN_TIMEOUT": "0.2"})
    env.invoke(function_url())
    env.process.wait_for_log("^blocking$")
    assert seconds_to_exit(env.process, signal.SIGTERM) < 1


def test_second_signal_exits_at_once(launch: Launcher, tmp_path: Path) -> None:
    """A second signal does not wait for what the first one waits for."""
    record = tmp_path / "lifespan"
    env = launch("lifespans:shutdown_hangs", {"LIFESPAN_FILE": str(record), "EVERLOOP_SHUTDOWN_TIMEOUT": "30"})
    env.api.wait_for_poll()
    env.process.signal(signal.SIGTERM)
    deadline = time.monotonic() + 5
    while not record.exists() and time.monotonic() < deadline:  # the other process writes it
        time.sleep(0.005)
    started = time.monotonic()
    env.process.signal(signal.SIGTERM)
    env.process.exit_code()
    assert time.monotonic() - started < 2


def test_during_startup(launch: Launcher) -> None:
    """A signal while startup still hangs ends the process with 0, in time."""
    env = launch("lifespans:startup_hangs")
    env.process.wait_for_log("startup begins")
    assert seconds_to_exit(env.process, signal.SIGTERM) < 1.2
    assert env.api.requests_to("next") == []


def test_while_polls_fail(launch: Launcher) -> None:
    """A signal in the wait between two failed polls ends the process with 0, in time."""
    with ScriptedRuntimeApi() as api:
        api.script("next", *[Answer(500, b"{}")] * 9)
        env = launch("answers_with:app", api=api)
        api.wait_for_request("next", 3)
        assert seconds_to_exit(env.process, signal.SIGTERM) < 1.2


def test_event_that_comes_with_the_signal_is_answered_or_never_taken(launch: Launcher) -> None:
    """An event delivered just before the signal gets its answer."""
    env = launch("answers_with:app", {"EVERLOOP_SHUTDOWN_TIMEOUT": "4"})
    env.api.wait_for_poll()
    exchange = env.invoke(function_url()).wait_for_delivery()
    assert seconds_to_exit(env.process, signal.SIGTERM) < 3
    assert exchange.wait().response()["statusCode"] == 200


@pytest.mark.parametrize("handler", ["answers_with:app", "streaming:quiet_large"])
def test_response_that_is_still_being_sent(launch: Launcher, loop: dict[str, str], handler: str) -> None:
    """A response that the Runtime API is slow to read is sent to its end before the process exits."""
    mode = "streaming" if handler.startswith("streaming") else "buffered"
    resume = threading.Event()
    settings = {"EVERLOOP_RESPONSE_MODE": mode, "EVERLOOP_SHUTDOWN_TIMEOUT": "4", "PIECES": "80"}
    with ScriptedRuntimeApi(receive_buffer=16 * 1024) as api:
        env = launch(handler, {**loop, **settings}, api=api)
        answer = Answer(stall=Stall(after=1, until=resume))
        exchange = env.invoke(function_url(query="size=6000000"), answer=answer).wait_for_size(1)
        env.process.signal(signal.SIGTERM)
        with pytest.raises(TimeoutError):
            env.process.exit_code(0.3)
        resume.set()
        exchange.wait()
        assert exchange.request.complete
        assert exchange.trailers == {}
        assert env.process.exit_code() == 0


def test_idle_exit_is_quick(launch: Launcher, loop: dict[str, str]) -> None:
    """The target is 100 ms from SIGTERM to the exit; the quickest of three, with room for busy machines."""
    taken = []
    for _ in range(3):
        env = launch("answers_with:app", loop)
        env.answers(function_url())
        env.api.wait_for_poll()
        taken.append(seconds_to_exit(env.process, signal.SIGTERM))
    print(f"from SIGTERM to the exit: {[round(seconds * 1000) for seconds in sorted(taken)]} ms")
    assert min(taken) < 1


def test_idle_exit_of_a_synchronous_handler_is_quick(launch: Launcher) -> None:
    """It waits for no answer to its poll, which will never come: that alone would take 200 ms."""
    taken = []
    for _ in range(3):
        env = launch("functions.echo")
        env.answers({})
        env.api.wait_for_poll()
        taken.append(seconds_to_exit(env.process, signal.SIGTERM))
    assert min(taken) < 0.19


def test_a_signal_between_an_answer_and_the_wait_is_heard(launch: Launcher, tmp_path: Path) -> None:
    """Neither working nor waiting for a moment, the process must not go to sleep over a signal that comes then."""
    script = tmp_path / "between.py"
    script.write_text(
        "import signal\nfrom everloop.api.blocking_connection import BlockingConnection\n\n"
        "receive = BlockingConnection.receive\n\n"
        "def receive_and_signal(self):\n"
        "    receive(self)\n"
        "    if self.served == 2:  # the event, and the acknowledgement of its response\n"
        "        signal.raise_signal(signal.SIGTERM)\n\n"
        "BlockingConnection.receive = receive_and_signal\n\n"
        "def handler(event, context): return 1\n",
        encoding="utf-8",
    )
    env = launch("between:handler", {"EVERLOOP_SHUTDOWN_TIMEOUT": "4"}, task_root=tmp_path)
    env.answers({})
    assert env.process.exit_code() == 0
    assert "cut short" not in env.process.log


def test_all_slots_hang(launch: Launcher) -> None:
    """Sixty-four applications that ignore their cancellation: exit 0 within the time."""
    slots = {"AWS_LAMBDA_MAX_CONCURRENCY": "64", "EVERLOOP_SHUTDOWN_TIMEOUT": "0.8"}
    env = launch("waiting:stubborn", slots)
    env.api.wait_for_poll(64)
    for _ in range(64):
        env.invoke(function_url(), timeout=60)
    env.process.wait_for_logs("^begun$", 64)
    assert seconds_to_exit(env.process, signal.SIGTERM) < 2.5
    assert env.process.logged(r"64 invocation\(s\) did not end when they were cancelled")


def test_logs_of_the_shutdown_are_flushed(launch: Launcher, tmp_path: Path) -> None:
    """What is written last of all, by `atexit`, arrives, although standard output is a pipe."""
    script = tmp_path / "last.py"
    script.write_text(
        "import atexit\ndef handler(event, context): return 1\natexit.register(print, 'the last word')\n",
        encoding="utf-8",
    )
    env = launch("last:handler", task_root=tmp_path)
    env.answers({})
    env.process.signal(signal.SIGTERM)
    assert env.process.exit_code() == 0
    assert env.process.logged("^the last word$")


@SIGNALS
@pytest.mark.parametrize("handler", ["observed:handler", "observed:wsgi", "answers_with:app"])
def test_every_kind_ends_without_a_traceback(launch: Launcher, handler: str, number: int) -> None:
    """Ctrl-C in a terminal, or Lambda's SIGTERM, while it waits for an event."""
    env = launch(handler)
    env.answers(function_url())
    env.api.wait_for_poll()
    assert seconds_to_exit(env.process, number) < 2
    assert "Traceback" not in env.process.log


def wait_until_asleep(process: RuntimeProcess) -> None:
    """A poll that has come may still be in the sending: what a signal handler raises then ends up anywhere."""
    while Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "S":
        time.sleep(0.005)


@pytest.mark.parametrize("code", [0, 3])
@pytest.mark.parametrize("handler", ["graceful:app", "graceful.coroutine", "graceful.sync"])
def test_a_signal_handler_of_the_applications_own_may_exit(
    launch: Launcher, loop: dict[str, str], handler: str, code: int
) -> None:
    """As in AWS's sample: an ordinary end, with the lifespan's shutdown, and no word of a failure."""
    env = launch(handler, loop | {"CODE": str(code)})
    env.answers(function_url())
    env.api.wait_for_poll()
    wait_until_asleep(env.process)
    assert seconds_to_exit(env.process, signal.SIGTERM, code) < 2
    assert env.process.logged("SIGTERM received")
    assert not env.process.logged("ERROR|Traceback|cut short")
    assert bool(env.process.logged("^lifespan shutdown$")) is handler.endswith("app")


def test_a_signal_handler_of_the_applications_own_may_call_ours(launch: Launcher) -> None:
    """What it replaced does all that it does by itself."""
    env = launch("graceful:app", {"PASS_ON": "1"})
    env.answers(function_url())
    env.api.wait_for_poll()
    assert seconds_to_exit(env.process, signal.SIGTERM) < 2
    assert env.process.logged("^lifespan shutdown$")


@pytest.mark.parametrize("answer", [None, refusal(403, "Extension.RegistrationClosed"), Drop()])
def test_without_the_extension_it_serves_and_stops(launch: Launcher, answer: Answer | Drop | None) -> None:
    """Refused, dropped or absent: Lambda may then send no SIGTERM, but one that comes is obeyed."""
    with ScriptedRuntimeApi(extensions=answer is not None) as api:
        if answer is not None:
            api.script("register", answer)
        env = launch("answers_with:app", api=api)
        assert env.answers(function_url())["statusCode"] == 200
        assert seconds_to_exit(env.process, signal.SIGTERM) < 2
