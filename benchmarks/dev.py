"""How fast `everloop dev` is: `python -m benchmarks.dev` starts it with bare applications and judges three figures.

started   seconds from the start of the command to the first answer           target: at most 1
round     milliseconds of a small request, median: gateway, emulator, runtime  target: under 2
stream    MB/s of a streamed response, from the application to the client      target: at least 100
"""

import argparse
import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

APPLICATION = """
PIECE = bytes(64 * 1024)


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    for _ in range(1600 if scope["path"] == "/stream" else 0):
        await send({"type": "http.response.body", "body": PIECE, "more_body": True})
    await send({"type": "http.response.body", "body": b"hello"})
"""

MODES = ("buffered", "streaming")
PATIENCE = 30.0


@dataclass(frozen=True)
class Figure:
    """One figure and what it must reach."""

    name: str
    value: float
    unit: str
    target: float
    at_most: bool = True

    @property
    def reached(self) -> bool:
        return self.value <= self.target if self.at_most else self.value >= self.target

    def __str__(self) -> str:
        verdict = "pass" if self.reached else "FAIL"
        bound = "at most" if self.at_most else "at least"
        return f"{verdict}  {self.name:<36} {self.value:9.2f} {self.unit:<5} ({bound} {self.target:g})"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def dial(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def request(connection: socket.socket, path: str) -> int:
    """Send a request and read its answer to the end; give the bytes that came."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode())
    size, end = 0, b""
    while True:
        piece = connection.recv(1 << 20)
        if not piece:
            raise SystemExit(f"benchmarks.dev: the server broke its answer to {path} off")
        size += len(piece)
        end = (end + piece)[-64:]
        if end.endswith((b"hello", b"0\r\n\r\n")):
            return size


@contextlib.contextmanager
def serving(folder: Path, mode: str) -> Iterator[tuple[int, float]]:
    """Run `everloop dev`; give its port and the seconds until its first answer."""
    port = free_port()
    command = [sys.executable, "-m", "everloop.dev", "dev", "bare:app", "--mode", mode, "--port", str(port)]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                with dial(port) as connection:
                    request(connection, "/")
                break
            except ConnectionRefusedError:
                if process.poll() is not None or time.perf_counter() - began > PATIENCE:
                    raise SystemExit("benchmarks.dev: `everloop dev` does not serve") from None
                time.sleep(0.005)
        yield port, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(PATIENCE)


def round_trip(port: int, count: int) -> float:
    """Give the median milliseconds of a request on a kept connection."""
    times = []
    with dial(port) as connection:
        for _ in range(count // 10):
            request(connection, "/")
        for _ in range(count):
            began = time.perf_counter()
            request(connection, "/")
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def throughput(port: int) -> float:
    """Give the MB/s of one streamed response of 105 MB."""
    with dial(port) as connection:
        began = time.perf_counter()
        size = request(connection, "/stream")
        return size / (time.perf_counter() - began) / 1e6


def measure(rounds: int, count: int) -> list[Figure]:
    figures = []
    started: list[float] = []
    with tempfile.TemporaryDirectory(prefix="everloop-bench-") as name:
        folder = Path(name)
        (folder / "bare.py").write_text(APPLICATION, encoding="utf-8")
        for mode in MODES:
            for _ in range(rounds):
                with serving(folder, mode) as (_, seconds):
                    started.append(seconds)
            with serving(folder, mode) as (port, _):
                figures.append(Figure(f"round trip, {mode}", round_trip(port, count), "ms", 2))
                if mode == "streaming":
                    best = [throughput(port) for _ in range(rounds)]
                    figures.append(Figure("streamed, 105 MB in 64 KiB", statistics.median(best), "MB/s", 100, False))
    return [Figure("started, and the first answer", statistics.median(started), "s", 1), *figures]


def main() -> int:
    """Measure, print, judge; exit status 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dev", description="Measure `everloop dev`.")
    parser.add_argument("--rounds", type=int, default=5, help="starts and streams; their median counts")
    parser.add_argument("--requests", type=int, default=2000)
    options = parser.parse_args()
    figures = measure(options.rounds, options.requests)
    print(*figures, sep="\n")
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
