"""EVERLOOP_WARMUP: the application has answered before the first poll."""

import json
import signal

import pytest

from support.environment import Launcher
from support.sample_events import function_url


def test_paths_are_requested_in_order_before_the_first_poll(launch: Launcher) -> None:
    """GET requests without Lambda's keys, in the order given, once."""
    env = launch("warmed:app", {"EVERLOOP_WARMUP": "/, /items?page=1 ,/%C3%A4"})
    seen = json.loads(env.answers(function_url("/last"))["body"])

    assert seen == [
        ["GET", "/", "", False],
        ["GET", "/items", "page=1", False],
        ["GET", "/ä", "", False],
        ["GET", "/last", "", True],
    ]


def test_failures_are_logged_and_do_not_fail_the_start(launch: Launcher) -> None:
    """An exception and an error status are one warning each; the next path is requested all the same."""
    env = launch("warmed:app", {"EVERLOOP_WARMUP": "/raises,/missing,/fine"})
    seen = json.loads(env.answers(function_url("/last"))["body"])

    assert [path for _, path, _, _ in seen] == ["/raises", "/missing", "/fine", "/last"]
    assert len(env.process.logged("Warm-up of /raises failed.*LookupError: cold")) == 1
    assert len(env.process.logged("Warm-up of /missing failed: it was answered 404")) == 1
    assert env.process.logged("Warm-up of /fine failed") == []


FATAL = ["/exits", "/interrupts", "/generator", "/cancelled"]


@pytest.mark.parametrize(("handler", "paths"), [("warmed:app", [*FATAL, "/cancels"]), ("warmed:wsgi", FATAL)])
def test_whatever_is_raised_is_a_failure_alone(
    launch: Launcher, loop: dict[str, str], handler: str, paths: list[str]
) -> None:
    """`sys.exit()` and a task that cancels itself, too: logged; the next path is requested, and the process serves."""
    env = launch(handler, loop | {"EVERLOOP_WARMUP": ",".join([*paths, "/fine"])})
    seen = json.loads(env.answers(function_url("/last"))["body"])

    assert [path for _, path, _, _ in seen] == [*paths, "/fine", "/last"]
    env.api.wait_for_poll()
    env.process.signal(signal.SIGTERM)
    assert env.process.exit_code() == 0
    for path in paths:
        assert len(env.process.logged(f"Warm-up of {path} failed")) == 1
    assert "Warm-up of /fine failed" not in env.process.log
