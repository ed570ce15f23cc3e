"""Interleaved rounds: everyone runs once per round, so that what disturbs the machine disturbs all alike."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.referee import Figures, Load, measure
from benchmarks.suites import Comparison, Suite, Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a comparison came to, round by round."""

    comparison: Comparison
    values: list[float]
    references: list[float]

    @property
    def ratios(self) -> list[float]:
        """Each round's ratio: what slows a whole round down cancels out."""
        return [value / reference for value, reference in zip(self.values, self.references, strict=True) if reference]

    @property
    def ratio(self) -> float | None:
        """The median of the ratios; none where the reference is zero."""
        return median(self.ratios) if self.ratios else None

    @property
    def quartiles(self) -> tuple[float, float] | None:
        """Between which two numbers the middle half of the ratios lies."""
        if len(self.ratios) < 2:
            return None
        low, _, high = quantiles(self.ratios, n=4, method="inclusive")
        return low, high

    @property
    def value(self) -> float:
        """The subject's own figure."""
        return median(self.values)

    @property
    def reference(self) -> float:
        """The reference's own figure."""
        return median(self.references)

    @property
    def verdict(self) -> Verdict | None:
        """How the target was met; None where there is none."""
        target = self.comparison.target
        if target is None:
            return None
        figure = self.ratio if target.of_ratio else self.value
        return Verdict.MISS if figure is None else target.judge(figure)


def run(suite: Suite, load: Load, rounds: int, progress: Callable[[str], None]) -> list[Outcome]:
    """Measure all subjects of a suite in turn, round after round. Raises `BenchmarkError`."""
    subjects = suite.subjects()
    for subject in subjects:
        # Not measured: compiles the bytecode, for everyone alike, and fills the system's cache.
        measure(Load(cold=True), subject.command, subject.environ())
    figures = {subject: list[Figures]() for subject in subjects}
    for number in range(rounds):
        progress(f"{suite.name}: round {number + 1} of {rounds}")
        # Forwards, then backwards: nobody always runs after the same other.
        for subject in subjects if number % 2 == 0 else reversed(subjects):
            figures[subject].append(measure(load, subject.command, subject.environ()))
    return [
        Outcome(
            comparison,
            [figure[comparison.measure] for figure in figures[comparison.subject]],
            [figure[comparison.measure] for figure in figures[comparison.reference]],
        )
        for comparison in suite.comparisons
    ]
