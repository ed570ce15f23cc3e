"""The referee's two C programs: compiled when they are first needed, run once per measurement."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
BUILD = ROOT / "build" / "benchmarks"
"""Ignored by git."""

RAPID = BUILD / "rapid"
LIMIT = BUILD / "limit"
SOURCES = {RAPID: HERE / "rapid.c", LIMIT: HERE / "apps" / "limit.c"}
EVENT = HERE / "event.json"


class BenchmarkError(Exception):
    """Raised when a measurement cannot be made; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one measurement asks of a client."""

    measured: int = 1
    warm_up: int = 0
    concurrency: int = 1
    pinned: bool = False
    cold: bool = False
    expected: str = ""
    seconds: int = 60
    """After which the client is taken to hang."""

    def options(self) -> list[str]:
        """The referee's command line, without the client's."""
        options = ["-e", str(EVENT), "-n", str(self.measured), "-w", str(self.warm_up), "-t", str(self.seconds)]
        if self.concurrency > 1:
            options += ["-c", str(self.concurrency)]
        if self.pinned:
            options += ["-p", str(max(os.sched_getaffinity(0)))]
        if self.cold:
            options.append("-C")
        if self.expected:
            options += ["-x", self.expected]
        return options


Figures = dict[str, float]
"""What the referee measured, by its names."""


def build(sources: Mapping[Path, Path] = SOURCES) -> None:
    """Compile the programs that are missing or older than their sources. Raises `BenchmarkError`."""
    for program, source in sources.items():
        if program.exists() and program.stat().st_mtime >= source.stat().st_mtime:
            continue
        compiler = shutil.which("gcc")
        if compiler is None:
            raise BenchmarkError("The referee is written in C: install gcc (Debian: apt install gcc libc6-dev)")
        program.parent.mkdir(parents=True, exist_ok=True)
        # Under a name of its own first: two runs may build at once.
        fresh = program.with_name(f"{program.name}.{os.getpid()}")
        result = subprocess.run([compiler, "-O2", "-Wall", "-o", fresh, source], capture_output=True, text=True)
        if result.returncode:
            raise BenchmarkError(f"gcc could not compile {source.name}:\n{result.stderr}")
        fresh.replace(program)


def measure(load: Load, command: Sequence[str], environ: Mapping[str, str]) -> Figures:
    """Run the client under the referee. Raises `BenchmarkError` unless every answer was right."""
    arguments = [str(RAPID), *load.options(), "-v", *command]
    result = subprocess.run(arguments, env=environ, cwd=ROOT, capture_output=True, text=True)
    figures = parse(result.stdout)
    wrong = [name for name in ("bad", "errors", "init_errors", "trailers") if figures.get(name)]
    if result.returncode or not figures or wrong:
        raise BenchmarkError(
            f"{' '.join(command)} did not answer as it should ({', '.join(wrong) or 'not in time'}):\n"
            f"{result.stdout}{result.stderr[-4000:]}"
        )
    return figures


def parse(output: str) -> Figures:
    """Read the referee's line, without what there was nothing to measure for; empty where there is no line."""
    figures = json.loads(output) if output else {}
    return {name: figure for name, figure in figures.items() if figure is not None}
