"""The command: `python -m benchmarks` measures, prints and judges."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import concurrency, plot, referee, report, rounds, subjects
from benchmarks.referee import BenchmarkError
from benchmarks.suites import SUITES, Suite, Verdict

EVERY = (*SUITES, *concurrency.SUITES)

EPILOG = """\
exit status: 0 when every target is reached, 1 when one is missed, 2 when it could not be measured.
With --short a target that is "near" counts as reached."""


def parse(arguments: list[str] | None, suites: Sequence[Suite]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure everloop beside AWS's own client on this machine, in ratios.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [suite.name for suite in suites]
    parser.add_argument("--short", action="store_true", help="under a minute, with wide margins: for CI")
    parser.add_argument("--only", metavar="NAME", choices=names, action="append", help=f"one of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of every suite")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round's figures there too")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the ratios there, such as ratios.png")
    options = parser.parse_args(arguments)
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds: expected 1 or more")
    return options


def main(arguments: list[str] | None = None, suites: Sequence[Suite] = EVERY) -> int:
    """Run what was asked for; give the exit status."""
    options = parse(arguments, suites)
    # 65 processes at once are nothing for a short round.
    short = [suite for suite in suites if suite not in concurrency.SUITES]
    wanted = options.only or [suite.name for suite in (short if options.short else suites)]
    chosen = [suite for suite in suites if suite.name in wanted]
    try:
        if options.plot is not None:
            plot.check_installed()
        subjects.check_installed()
        referee.build()
        heading = report.heading()
        print(*heading, sep="\n", flush=True)
        outcomes = {suite.name: measure(suite, options) for suite in chosen}
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    everything = [outcome for of_suite in outcomes.values() for outcome in of_suite]
    if options.json is not None:
        rows = {name: [report.as_json(outcome) for outcome in of_suite] for name, of_suite in outcomes.items()}
        options.json.write_text(json.dumps({"heading": heading, "suites": rows}, indent=1) + "\n")
    if options.plot is not None:
        plot.draw(options.plot, heading, outcomes)
    missed = {Verdict.MISS} if options.short else {Verdict.MISS, Verdict.NEAR}
    return 1 if any(outcome.verdict in missed for outcome in everything) else 0


def measure(suite: Suite, options: argparse.Namespace) -> list[rounds.Outcome]:
    """Run one suite and print its table. Raises `BenchmarkError`."""
    count = options.rounds or (suite.short_rounds if options.short else suite.rounds)
    load = suite.short_load if options.short else suite.load
    outcomes = rounds.run(suite, load, count, progress)
    print("", *report.table(suite.title, count, outcomes), sep="\n", flush=True)
    return outcomes


def progress(line: str) -> None:
    """Show where it has got to, where somebody is watching."""
    if sys.stderr.isatty():
        print(f"\r{line}\033[K", end="\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
