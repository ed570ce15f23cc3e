"""What is compared with what, and what must come out."""

from dataclasses import dataclass
from enum import StrEnum

from benchmarks import subjects
from benchmarks.referee import Load
from benchmarks.subjects import Subject


class Verdict(StrEnum):
    """How a target was met."""

    REACHED = "pass"
    NEAR = "near"
    """Missed, but by less than a busy machine can do: good enough for a short run."""

    MISS = "MISS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a figure must reach."""

    bound: float
    at_most: bool = True
    of_ratio: bool = True
    """Whether it is set on the ratio, or on the subject's own figure."""

    slack: float = 2.0
    """The factor by which a figure that is near may miss the bound. On busy machines short runs scatter by a third."""

    def judge(self, figure: float) -> Verdict:
        """Tell whether the figure is good enough."""
        excess = figure / self.bound if self.at_most else self.bound / max(figure, 1e-9)
        if excess <= 1:
            return Verdict.REACHED
        return Verdict.NEAR if excess <= self.slack else Verdict.MISS


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of a subject beside the same figure of another."""

    what: str
    measure: str
    """The referee's name for it."""

    unit: str
    subject: Subject
    reference: Subject
    target: Target | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Comparisons that come out of the same runs."""

    name: str
    title: str
    load: Load
    rounds: int
    short_load: Load
    short_rounds: int
    comparisons: tuple[Comparison, ...]

    def subjects(self) -> list[Subject]:
        """Everyone who has to be run, once each."""
        pairs = [(comparison.subject, comparison.reference) for comparison in self.comparisons]
        return list(dict.fromkeys(subject for pair in pairs for subject in pair))


def cpu(subject: Subject, reference: Subject, target: Target | None = None) -> Comparison:
    """Compare CPU time per invocation."""
    return Comparison("CPU", "cpu_us", "us", subject, reference, target)


def first_poll(subject: Subject, reference: Subject, target: Target | None = None) -> Comparison:
    """Compare the time from the start of the process to its first poll."""
    return Comparison("first poll", "first_poll_ms", "ms", subject, reference, target)


def stream(what: str, measure: str, unit: str, target: Target) -> Comparison:
    """Compare a figure of the streaming application with the yardstick's."""
    return Comparison(what, measure, unit, subjects.EVERLOOP_STREAM, subjects.UVLOOP_STREAM, target)


HELLO = "hello world"

WARM = Suite(
    name="warm",
    title="Warm path: CPU per buffered invocation, client and referee pinned to one processor",
    load=Load(measured=10_000, warm_up=2_000, pinned=True, expected=HELLO),
    rounds=7,
    short_load=Load(measured=3_000, warm_up=500, pinned=True, expected=HELLO),
    short_rounds=3,
    comparisons=(
        cpu(subjects.EVERLOOP_BARE, subjects.MANGUM_BARE, Target(bound=0.25)),
        cpu(subjects.EVERLOOP_STARLETTE, subjects.MANGUM_STARLETTE),
        cpu(subjects.EVERLOOP_FASTAPI, subjects.MANGUM_FASTAPI),
        cpu(subjects.EVERLOOP_BARE, subjects.PLAIN),
        cpu(subjects.PLAIN, subjects.MANGUM_BARE),
        cpu(subjects.LEAST_BARE, subjects.MANGUM_BARE),
        cpu(subjects.FLOOR, subjects.MANGUM_BARE),
        Comparison("median", "p50_us", "us", subjects.EVERLOOP_BARE, subjects.MANGUM_BARE),
        Comparison("99th percentile", "p99_us", "us", subjects.EVERLOOP_BARE, subjects.MANGUM_BARE),
        Comparison("memory", "pss_kib", "KiB", subjects.EVERLOOP_BARE, subjects.MANGUM_BARE),
    ),
)

HANDLERS = Suite(
    name="handlers",
    title="Other handlers: CPU per buffered invocation, client and referee pinned to one processor",
    load=Load(measured=10_000, warm_up=2_000, pinned=True, expected=HELLO),
    rounds=7,
    short_load=Load(measured=3_000, warm_up=500, pinned=True, expected=HELLO),
    short_rounds=3,
    comparisons=(
        cpu(subjects.EVERLOOP_PLAIN, subjects.PLAIN, Target(bound=0.4)),
        cpu(subjects.EVERLOOP_PLAIN_ASYNC, subjects.PLAIN, Target(bound=0.4)),
        cpu(subjects.EVERLOOP_FLASK, subjects.APIG_FLASK, Target(bound=0.6)),
    ),
)

START = Suite(
    name="start",
    title="Cold start: from the start of the process to its first poll, bytecode compiled",
    load=Load(cold=True),
    rounds=31,
    short_load=Load(cold=True),
    short_rounds=9,
    comparisons=(
        first_poll(subjects.EVERLOOP_BARE, subjects.MANGUM_BARE, Target(bound=1.2)),
        first_poll(subjects.EVERLOOP_STARLETTE, subjects.MANGUM_STARLETTE),
        first_poll(subjects.EVERLOOP_FASTAPI, subjects.MANGUM_FASTAPI),
        first_poll(subjects.PLAIN, subjects.MANGUM_BARE),
    ),
)

STREAM = Suite(
    name="stream",
    title="Streaming: 200 MiB in messages of 64 KiB, two processors",
    load=Load(measured=5),
    rounds=11,
    short_load=Load(measured=3),
    short_rounds=5,
    comparisons=(
        stream("rate", "mb_per_second", "MB/s", Target(bound=0.8, at_most=False)),
        stream("growth of memory", "growth_kib", "KiB", Target(bound=4096, of_ratio=False)),
        # From the application's first body message to the referee; on a busy machine it is the scheduler's time.
        stream("first byte", "transit_ms", "ms", Target(bound=1.0, of_ratio=False, slack=5)),
    ),
)

SUITES = (WARM, HANDLERS, START, STREAM)
