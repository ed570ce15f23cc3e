"""Ratios as a picture: one bar for each comparison, a mark where its target lies."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.referee import BenchmarkError
from benchmarks.report import amount
from benchmarks.rounds import Outcome
from benchmarks.suites import Verdict

OURS, MISSED, TARGET = "#2a7f62", "#c0502e", "#222222"


def check_installed() -> None:
    """Raise `BenchmarkError` before anything is measured that could not be drawn."""
    if find_spec("matplotlib") is None:
        raise BenchmarkError("--plot needs matplotlib: pip install -e '.[bench]'")


def draw(file: Path, heading: Sequence[str], suites: Mapping[str, Sequence[Outcome]]) -> None:
    """Write the picture of all outcomes that have a ratio; the format is the file's."""
    from matplotlib.figure import Figure  # not pyplot: nothing is to be shown

    rows = [outcome for outcomes in suites.values() for outcome in outcomes if outcome.ratio is not None]
    figure = Figure(figsize=(11, 1.6 + 0.55 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for place, outcome in enumerate(reversed(rows)):
        comparison, ratio = outcome.comparison, outcome.ratio or 0.0
        good = outcome.verdict in (None, Verdict.REACHED)
        axes.barh(place, ratio, color=OURS if good else MISSED, height=0.6)
        said = (
            f"  {ratio:.2f}   {amount(outcome.value, comparison.unit)} / {amount(outcome.reference, comparison.unit)}"
        )
        end = ratio
        if comparison.target is not None and comparison.target.of_ratio:
            end = max(ratio, comparison.target.bound)
            axes.plot([comparison.target.bound] * 2, [place - 0.38, place + 0.38], color=TARGET, linewidth=2)
        axes.text(end, place, said, va="center", fontsize=9)
    axes.set_yticks(range(len(rows)), [label(outcome) for outcome in reversed(rows)], fontsize=9)
    axes.axvline(1.0, color="#888888", linewidth=1, linestyle="--")
    axes.set_xlim(0, max(1.0, *(outcome.ratio or 0.0 for outcome in rows)) * 1.5)
    axes.set_xlabel("ratio: 1 is the reference, the black mark is the target")
    figure.suptitle("\n".join(heading), fontsize=8, x=0.01, ha="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=120)


def label(outcome: Outcome) -> str:
    """Name a bar."""
    comparison = outcome.comparison
    return f"{comparison.what}\n{comparison.subject.name} / {comparison.reference.name}"
