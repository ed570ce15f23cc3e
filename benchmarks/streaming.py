"""Streams of every shape beside a bare uvloop protocol that writes the same: `python -m benchmarks.streaming`."""

import sys
from dataclasses import replace

from benchmarks.__main__ import main
from benchmarks.referee import Load
from benchmarks.subjects import EVERLOOP_STREAM, UVLOOP_STREAM, Subject, everloop
from benchmarks.suites import Comparison, Suite, Target

MEBIBYTE = 1024 * 1024
FILE = everloop("file_on_starlette", "FileResponse", EVERLOOP_RESPONSE_MODE="streaming")


def shaped(subject: Subject, size: int, count: int) -> Subject:
    """Give a subject that streams so many messages of so many bytes."""
    return replace(subject, settings={**subject.settings, "BENCH_MESSAGE": str(size), "BENCH_COUNT": str(count)})


def suite(name: str, title: str, size: int, count: int, at_least: float | None, seconds: float | None = None) -> Suite:
    """Compare everloop with the bare protocol: targets for the ratio of the rates, and for the time of one stream."""
    # Settings are no part of a subject's identity: the names keep the shapes apart.
    subject = replace(shaped(EVERLOOP_STREAM, size, count), name=f"everloop, {title}")
    reference = replace(shaped(UVLOOP_STREAM, size, count), name=f"uvloop, {title}")
    rate = Target(bound=at_least, at_most=False) if at_least is not None else None
    wall = Target(bound=seconds * 1e6, of_ratio=False) if seconds is not None else None
    return Suite(
        name=name,
        title=f"{title}, two processors",
        load=Load(measured=12, warm_up=2),
        rounds=7,
        short_load=Load(measured=2),
        short_rounds=3,
        comparisons=(
            Comparison("rate", "mb_per_second", "MB/s", subject, reference, rate),
            Comparison("time", "wall_us", "us", subject, reference, wall),
            Comparison("CPU", "cpu_us", "us", subject, reference),
            Comparison("growth of memory", "growth_kib", "KiB", subject, reference, Target(bound=2048, of_ratio=False)),
            Comparison(
                "first byte", "transit_ms", "ms", subject, reference, Target(bound=0.5, of_ratio=False, slack=10)
            ),
        ),
    )


REFERENCE = replace(shaped(UVLOOP_STREAM, MEBIBYTE, 200), name="uvloop, 200 MiB in 1 MiB messages")

SUITES = (
    suite("64k", "200 MiB in 64 KiB messages", 64 * 1024, 3200, 0.85),
    suite("1m", "200 MiB in 1 MiB messages", MEBIBYTE, 200, 0.95),
    suite("small", "100,000 messages of 20 bytes", 20, 100_000, None, seconds=1.0),
    Suite(
        name="file",
        title="A file of 200 MB by Starlette's FileResponse",
        load=Load(measured=12, warm_up=2),
        rounds=7,
        short_load=Load(measured=2),
        short_rounds=3,
        comparisons=(
            Comparison(
                "rate", "mb_per_second", "MB/s", FILE, REFERENCE, Target(bound=1000, at_most=False, of_ratio=False)
            ),
            Comparison("growth of memory", "growth_kib", "KiB", FILE, REFERENCE, Target(bound=2048, of_ratio=False)),
        ),
    ),
)

if __name__ == "__main__":
    sys.exit(main(suites=SUITES))
