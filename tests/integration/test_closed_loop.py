"""User code that closes the current loop when it is done: the one loop lives on."""

import signal

import pytest

from support.environment import Environment, Launcher
from support.sample_events import function_url

SEVERAL = {"AWS_LAMBDA_MAX_CONCURRENCY": "2"}


def stops_in_order(env: Environment) -> bool:
    env.process.signal(signal.SIGTERM)
    return env.process.exit_code() == 0 and "Traceback" not in env.process.log


@pytest.mark.parametrize("slots", [{}, SEVERAL, SEVERAL | {"EVERLOOP_WORKERS": "2"}], ids=["one", "two", "workers"])
@pytest.mark.parametrize("handler", ["sync", "coroutine"])
def test_closed_by_the_import(launch: Launcher, loop: dict[str, str], handler: str, slots: dict[str, str]) -> None:
    """The handler is served, and the process stops in order."""
    env = launch(f"closes_the_loop.{handler}", loop | slots)
    assert env.invoke({}).response() == {"k": 1}
    env.api.wait_for_poll()
    assert stops_in_order(env)
    assert env.process.logged("the exit handlers ran")


def test_closed_by_the_import_of_an_application(launch: Launcher, loop: dict[str, str]) -> None:
    """The same for ASGI, whose lifespan and requests run on the loop."""
    env = launch("closes_the_loop:asgi", loop)
    assert env.answers(function_url())["body"] == "served"
    env.api.wait_for_poll()
    assert stops_in_order(env)


def test_closed_by_the_import_of_what_takes_events(launch: Launcher, loop: dict[str, str]) -> None:
    """The application has been imported already, and is served as well."""
    env = launch("answers_with:app", loop | {"EVERLOOP_EVENTS": "closes_the_loop:coroutine"})
    assert env.invoke({"not": "http"}).response() == {"k": 1}
    assert env.answers(function_url())["statusCode"] == 200
    env.api.wait_for_poll()
    assert stops_in_order(env)


def test_closed_in_every_call(launch: Launcher, loop: dict[str, str]) -> None:
    """Each call finds an open loop, and a signal ends the process as ever."""
    env = launch("closes_the_loop.in_every_call", loop)
    assert [env.invoke({}).response() for _ in range(3)] == [{"k": 1}] * 3
    env.api.wait_for_poll()
    assert stops_in_order(env)
    assert env.process.logged("the exit handlers ran")
