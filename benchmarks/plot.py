"""Ratios as a picture: one bar for each comparison, a mark where its target lies."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.referee import BenchmarkError
from benchmarks.report import amount
from benchmarks.rounds import Outcome
from benchmarks.suites import Verdict

OURS, MISSED, TARGET = "#2a7f62", "#c0502e", "#222222"


def check_installed() -> None:
    """Raise `BenchmarkError` before anything is measured that could not be drawn."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise BenchmarkError("--plot needs matplotlib: pip install -e '.[bench]'") from None


def draw(file: Path, heading: Sequence[str], suites: Mapping[str, Sequence[Outcome]]) -> None:
    """Write the picture of all outcomes that have a ratio; the format is the file's."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [outcome for outcomes in suites.values() for outcome in outcomes if outcome.ratio is not None]
    figure, axes = pyplot.subplots(figsize=(10, 1.4 + 0.55 * len(rows)), layout="constrained")
    for place, outcome in enumerate(reversed(rows)):
        comparison, ratio = outcome.comparison, outcome.ratio or 0.0
        good = outcome.verdict in (None, Verdict.REACHED)
        axes.barh(place, ratio, color=OURS if good else MISSED, height=0.6)
        said = f" {ratio:.2f}   {amount(outcome.value, comparison.unit)} / {amount(outcome.reference, comparison.unit)}"
        axes.text(ratio, place, said, va="center", fontsize=9)
        if comparison.target is not None and comparison.target.of_ratio:
            axes.plot([comparison.target.bound] * 2, [place - 0.38, place + 0.38], color=TARGET, linewidth=2)
    axes.set_yticks(range(len(rows)), [label(outcome) for outcome in reversed(rows)], fontsize=9)
    axes.axvline(1.0, color="#888888", linewidth=1, linestyle="--")
    axes.set_xlim(0, max(1.0, *(outcome.ratio or 0.0 for outcome in rows)) * 1.35)
    axes.set_xlabel("ratio: 1 is the reference, the black mark is the target")
    axes.set_title("\n".join(heading), fontsize=9, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=120)
    pyplot.close(figure)


def label(outcome: Outcome) -> str:
    """Name a bar."""
    comparison = outcome.comparison
    return f"{comparison.what}\n{comparison.subject.name} / {comparison.reference.name}"
