"""What start-up took, phase by phase; an import that is too slow for Lambda."""

import re

import pytest

from support.environment import Launcher
from support.sample_events import function_url

DEBUG = {"AWS_LAMBDA_LOG_LEVEL": "DEBUG"}


def test_phases_are_logged_at_debug(launch: Launcher) -> None:
    """Every phase in order; together they are what the whole took, within the accuracy of /proc."""
    env = launch("warmed:app", {**DEBUG, "EVERLOOP_WARMUP": "/"})
    text = env.process.wait_for_log("Start-up took").text
    phases = re.findall(r"([a-z][a-z -]*) ([\d.]+)(?:,|$)", text.partition("ms: ")[2])
    assert [name for name, _ in phases] == [
        "interpreter",
        "import of everloop",
        "settings",
        "loop",
        "application",
        "handler",
        "lifespan",
        "warm-up",
        "extension",
        "up to the first poll",
    ]
    total = float(text.partition("took ")[2].partition(" ms")[0])
    assert abs(total - sum(float(time) for _, time in phases)) < 2
    assert total > 0


@pytest.mark.parametrize("handler", ["observed:handler", "observed:wsgi"])
def test_other_kinds_have_phases(launch: Launcher, handler: str) -> None:
    """Handlers on the main thread, too."""
    launch(handler, DEBUG).process.wait_for_log("Start-up took .*application .*up to the first poll")


def test_nothing_is_logged_above_debug(launch: Launcher) -> None:
    """At INFO there is the one line that says what is served."""
    env = launch("warmed:app", {"AWS_LAMBDA_LOG_LEVEL": "INFO"})
    env.answers(function_url())
    assert env.process.logged("Start-up took") == []


@pytest.mark.slow
def test_a_slow_import_is_told_before_lambda_ends_it(launch: Launcher) -> None:
    """After 8 seconds, while it goes on; the slowest module first, without what it imports."""
    env = launch("slow_import:app", {"IMPORT_SECONDS": "8.6"})
    line = env.process.wait_for_log("import of slow_import:app has taken 8 s", timeout=20)
    assert re.search(r"Slowest modules so far, each without what it imports: slow_imported [78]\.\d s", line.text)
    assert env.answers(function_url())["body"] == "at last"
