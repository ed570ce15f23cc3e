"""What the process writes: one record per line, with the request id, at the level that was asked for."""

import pytest

from support.environment import Launcher
from support.sample_events import function_url

LEVELS = {"DEBUG": 4, "INFO": 3, "WARN": 2, "ERROR": 1, "TRACE": 4}


def test_records_carry_the_request_id(launch: Launcher) -> None:
    """Records that the application logs in a request, in its child tasks too, carry that request's id."""
    env = launch("talking:app", {"AWS_LAMBDA_LOG_LEVEL": "INFO"})
    for _ in range(2):
        exchange = env.invoke(function_url())
        exchange.response()
        for text in ("a info line", "a warning line", "from a child task"):
            env.process.wait_for_log(f"{exchange.request_id}.*{text}")


def test_traceback_is_one_record(launch: Launcher) -> None:
    """A traceback is one line, joined by carriage returns, because container images make a record of every line."""
    env = launch("talking:app")
    exchange = env.invoke(function_url())
    exchange.response()
    line = env.process.wait_for_log("KeyError: 'lost'").text
    assert "caught one" in line
    assert exchange.request_id in line
    assert "\r" in line
    assert "talking.py" in line


@pytest.mark.parametrize(("level", "count"), LEVELS.items())
def test_level_is_obeyed(launch: Launcher, level: str, count: int) -> None:
    """`AWS_LAMBDA_LOG_LEVEL` decides which records are written; TRACE is Python's DEBUG."""
    env = launch("talking:app", {"AWS_LAMBDA_LOG_LEVEL": level})
    env.answers(function_url())
    env.process.wait_for_log("caught one")
    assert len(env.process.logged(r"a (debug|info|warning|error) line")) == count


def test_prints_are_passed_on(launch: Launcher) -> None:
    """What the application prints comes out as it is."""
    env = launch("talking:app")
    env.answers(function_url())
    assert env.process.wait_for_log("printed line").text == "printed line"


def test_nothing_of_an_event_is_logged(launch: Launcher) -> None:
    """No header, cookie or body of an event appears in the log at the level INFO, even when it fails."""
    env = launch("failing:before_start", {"AWS_LAMBDA_LOG_LEVEL": "INFO"})
    secret = "hunter2-secret"
    event = function_url(method="POST", headers={"authorization": secret}, body=secret, query=f"token={secret}")
    env.invoke(event).response()
    exchange = env.invoke({**event, "version": "0", "detail": secret})
    exchange.wait()
    env.process.wait_for_log(exchange.request_id)
    assert secret not in env.process.log
