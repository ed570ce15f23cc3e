"""One table of ratios, with the machine and the day on top."""

import os
import platform
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.rounds import Outcome
from benchmarks.suites import Target

PACKAGES = ("awslambdaric", "mangum", "starlette", "fastapi", "uvloop", "httptools", "orjson")
HEADINGS = ("ratio", "quartiles", "target", "", "figure", "beside")
ROW = "  {:<84} {:>6}  {:>11}  {:>10} {:<4}  {:>13}  {:>13}"


def machine() -> str:
    """Say what it ran on, without naming the machine."""
    processors = len(os.sched_getaffinity(0))
    return (
        f"{processor_model()}, {processors} processors, Linux {platform.release().split('-')[0]}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def processor_model() -> str:
    """The processor's name, where the system tells it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def heading() -> list[str]:
    """Lines that say when and on what, and how busy it was with other work."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    busy = f"{os.getloadavg()[0]:.1f} processes were running before (load average)"
    return [f"everloop benchmarks, {datetime.now(UTC).date()}", machine(), packages, busy]


def table(title: str, rounds: int, outcomes: Iterable[Outcome]) -> list[str]:
    """Lines of one suite's table."""
    rows = [ROW.format(*cells(outcome)).rstrip() for outcome in outcomes]
    return [f"{title}; {rounds} rounds", ROW.format("", *HEADINGS).rstrip(), *rows]


def cells(outcome: Outcome) -> tuple[str, ...]:
    """One row."""
    comparison = outcome.comparison
    return (
        f"{comparison.what}: {comparison.subject.name} / {comparison.reference.name}",
        "-" if outcome.ratio is None else f"{outcome.ratio:.2f}",
        "-" if outcome.quartiles is None else "{:.2f}-{:.2f}".format(*outcome.quartiles),
        "" if comparison.target is None else describe(comparison.target, comparison.unit),
        outcome.verdict or "",
        amount(outcome.value, comparison.unit),
        amount(outcome.reference, comparison.unit),
    )


def describe(target: Target, unit: str) -> str:
    """The bound, as in `<= 0.25`."""
    sign = "<=" if target.at_most else ">="
    return f"{sign} {target.bound:g}" if target.of_ratio else f"{sign} {amount(target.bound, unit)}"


def amount(value: float, unit: str) -> str:
    """A figure to three digits or so, with its unit."""
    return f"{value:.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}"


def as_json(outcome: Outcome) -> dict[str, object]:
    """All that is known of a comparison, round by round."""
    comparison = outcome.comparison
    return {
        "what": comparison.what,
        "subject": comparison.subject.name,
        "reference": comparison.reference.name,
        "unit": comparison.unit,
        "ratio": outcome.ratio,
        "quartiles": outcome.quartiles,
        "target": comparison.target and asdict(comparison.target),
        "verdict": outcome.verdict,
        "values": outcome.values,
        "references": outcome.references,
    }
