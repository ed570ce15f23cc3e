"""The benchmarks' referee: what it reports is what the client did."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import referee
from benchmarks.referee import BenchmarkError, Figures, Load
from benchmarks.rounds import Outcome
from benchmarks.suites import SUITES, Comparison, Target, Verdict

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="the referee is written in C, and gcc is missing")

CLIENT = """
import os, socket, threading, time
host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].partition(":")
sock = socket.create_connection((host, int(port)))
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
POLL = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"

def next_id(send=POLL):
    sock.sendall(send)
    data = b""
    while b"Request-Id: " not in data or not data.rstrip().endswith(b"}"):
        data += sock.recv(65536)
    return data.partition(b"Request-Id: ")[2][:36]

def head(request_id, fields):
    return b"POST /2018-06-01/runtime/invocation/%b/response HTTP/1.1\\r\\n%b\\r\\n\\r\\n" % (request_id, fields)

def answer(request_id, body=b"hello"):
    return head(request_id, b"Content-Length: %d" % len(body)) + body

"""
"""A client that does what it is told in the lines that follow."""


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    if shutil.which("gcc"):
        referee.build()


def measure(script: str, load: Load) -> Figures:
    """Run a client in Python under the referee."""
    return referee.measure(load, [sys.executable, "-c", CLIENT + script], {"PATH": "/usr/bin:/bin"})


@needs_gcc
def test_limit_client_gives_plausible_figures() -> None:
    """Every invocation is answered and counted, and the figures agree with each other."""
    figures = referee.measure(Load(measured=500, warm_up=50, expected="hello world"), [str(referee.LIMIT)], {})

    assert figures["complete"] is True
    assert (figures["answered"], figures["connections"], figures["processes"]) == (550, 1, 1)
    assert 0 < figures["first_poll_ms"] < 5_000
    assert 0 < figures["cpu_us"] < figures["wall_us"] * 1.5
    assert 0 < figures["p50_us"] <= figures["p99_us"]
    assert figures["per_second"] == pytest.approx(1e6 / figures["wall_us"], rel=0.01)
    assert "transit_ms" not in figures


@needs_gcc
def test_cold_start_stops_at_the_first_poll() -> None:
    """No event is handed out when only the start is measured."""
    figures = measure("time.sleep(0.05); next_id(); time.sleep(60)", Load(cold=True))

    assert 50 <= figures["first_poll_ms"] < 5_000
    assert figures["answered"] == 0


@needs_gcc
def test_where_the_bytes_are_cut_does_not_change_what_was_said() -> None:
    """A chunked response with an extension comes byte by byte, the next poll in one piece with its end."""
    script = """
request_id = next_id()
while True:
    body = b"5;name=value\\r\\nhello\\r\\n6\\r\\n world\\r\\n0\\r\\n\\r\\n"
    for byte in head(request_id, b"transfer-encoding: Chunked") + body[:-1]:
        sock.sendall(bytes([byte]))
    request_id = next_id(body[-1:] + POLL)
"""

    figures = measure(script, Load(measured=3, warm_up=1, expected="hello world"))

    assert figures["answered"] == 4


@needs_gcc
def test_pipelined_requests_are_answered_in_order() -> None:
    """A call that the referee does not know has a body, and the response and the poll follow it in one write."""
    script = """
request_id = next_id()
while True:
    unknown = b"PUT /telemetry HTTP/1.1\\r\\nContent-Length: 5\\r\\n\\r\\nabcde"
    request_id = next_id(unknown + answer(request_id) + POLL)
"""

    figures = measure(script, Load(measured=10, expected="hello"))

    assert (figures["answered"], figures["bad"]) == (10, 0)


@needs_gcc
def test_trailers_fail_the_measurement() -> None:
    """A response that ends in error trailers is no response."""
    script = """
body = b"5\\r\\nhello\\r\\n0\\r\\nX-Error: a\\r\\nB: c\\r\\n\\r\\n"
next_id(head(next_id(), b"Transfer-Encoding: chunked") + body + POLL)
"""

    with pytest.raises(BenchmarkError, match=r"trailers(.|\n)*\"trailers\": 1"):
        measure(script, Load(measured=1))


@needs_gcc
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param("next_id(answer(next_id(), b'bye') + POLL)", "bad", id="wrong body"),
        pytest.param("a = next_id(); next_id(answer(a) + answer(a) + POLL)", "bad", id="answered twice"),
        pytest.param("next_id(); next_id(answer(b'-8000-000000000099') + POLL)", "bad", id="never handed out"),
        pytest.param(
            "sock.sendall(head(next_id(), b'Transfer-Encoding: chunked') + b'x\\r\\n'); sock.recv(1)",
            "bad",
            id="not a chunk",
        ),
        pytest.param("next_id(); raise SystemExit(3)", "not in time", id="ends early"),
    ],
)
def test_wrong_answers_fail_the_measurement(script: str, reason: str) -> None:
    """Figures of a client that does not do its work are never shown."""
    with pytest.raises(BenchmarkError, match=rf"did not answer as it should \({reason}\)"):
        measure(script, Load(measured=2, expected="hello", seconds=1))


@needs_gcc
@pytest.mark.parametrize(("warm_up", "least", "most"), [(0, 30_000, 40_000), (2, 0, 1_000)])
def test_growth_counts_from_the_first_measured_event(warm_up: int, least: int, most: int) -> None:
    """Memory that was needed for a moment counts, unless it was before the measurement."""
    script = """
request_id = next_id()
block = bytes(range(256)) * (32 * 4096)
del block
while True:
    request_id = next_id(answer(request_id) + POLL)
"""

    figures = measure(script, Load(measured=2, warm_up=warm_up))

    assert least <= figures["growth_kib"] <= most


@needs_gcc
def test_cpu_of_ended_threads_counts() -> None:
    """A client that makes a thread per invocation does not look cheaper than it is."""
    script = """
def burn():
    end = time.thread_time() + 0.02
    while time.thread_time() < end: pass
request_id = next_id()
while True:
    thread = threading.Thread(target=burn)
    thread.start()
    thread.join()
    request_id = next_id(answer(request_id) + POLL)
"""

    assert measure(script, Load(measured=3, warm_up=1))["cpu_us"] >= 20_000


@needs_gcc
def test_transit_is_the_age_of_the_first_message() -> None:
    """The time in the body is when the application sent it, whatever came before."""
    script = """
request_id = next_id()
while True:
    stamp = time.monotonic_ns()
    time.sleep(0.02)
    request_id = next_id(answer(request_id, b"prelude" + bytes(8) + b"sent-at=%d;" % stamp) + POLL)
"""

    figures = measure(script, Load(measured=3))

    assert 20 <= figures["transit_ms"] <= figures["first_byte_ms"] < 5_000


@needs_gcc
def test_delay_is_kept_between_poll_and_event() -> None:
    """`-d` makes an idle client, whose latency does not contain the waiting."""
    arguments = ["-e", str(referee.EVENT), "-n", "5", "-w", "0", "-d", "20", str(referee.LIMIT)]
    output = subprocess.run([referee.RAPID, *arguments], check=True, capture_output=True, text=True).stdout
    figures = referee.parse(output)

    assert figures["wall_us"] * 5 >= 4 * 20_000
    assert figures["p50_us"] < 20_000


@needs_gcc
def test_client_output_does_not_mix_with_the_figures() -> None:
    """What a client prints goes to standard error."""
    script = """
print("{}", flush=True)
request_id = next_id()
while True:
    request_id = next_id(answer(request_id) + POLL)
"""

    assert measure(script, Load(measured=1))["answered"] == 1


def test_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without gcc the error says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BenchmarkError, match="install gcc"):
        referee.build({tmp_path / "rapid": referee.HERE / "rapid.c"})


@pytest.mark.parametrize(
    ("target", "figure", "verdict"),
    [
        (Target(bound=0.25), 0.25, Verdict.REACHED),
        (Target(bound=0.25), 0.5, Verdict.NEAR),
        (Target(bound=0.25), 0.51, Verdict.MISS),
        (Target(bound=0.8, at_most=False), 0.8, Verdict.REACHED),
        (Target(bound=0.8, at_most=False), 0.4, Verdict.NEAR),
        (Target(bound=0.8, at_most=False), 0.39, Verdict.MISS),
        (Target(bound=0.8, at_most=False), 0.0, Verdict.MISS),
    ],
)
def test_targets_judge_both_ways(target: Target, figure: float, verdict: Verdict) -> None:
    """The bound itself is good enough; near is within the slack."""
    assert target.judge(figure) is verdict


def test_ratios_are_taken_round_by_round() -> None:
    """A round in which everything was slow does not move the ratio."""
    subject, reference = SUITES[0].subjects()[:2]
    comparison = Comparison("CPU", "cpu_us", "us", subject, reference, Target(bound=0.5))

    outcome = Outcome(comparison, values=[1.0, 5.0, 100.0], references=[2.0, 10.0, 200.0])

    assert (outcome.ratio, outcome.quartiles, outcome.value) == (0.5, (0.5, 0.5), 5.0)
    assert outcome.verdict is Verdict.REACHED
