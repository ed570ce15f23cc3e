"""Children that the application forks: they are processes of its own, and no runtimes."""

import signal
from typing import Any

import pytest

from support.environment import Environment, Launcher
from support.sample_events import function_url

CONCURRENT = {"AWS_LAMBDA_MAX_CONCURRENCY": "3"}
SLOTS = pytest.mark.parametrize("slots", [{}, CONCURRENT], ids=["one-slot", "three-slots"])


def answers(env: Environment) -> int:
    return len(env.api.requests_to("response")) + len(env.api.requests_to("error"))


@SLOTS
def test_sigterm_ends_a_child(launch: Launcher, slots: dict[str, str]) -> None:
    """At once, and also where it comes with the fork; nothing is said of a shutdown, and the runtime goes on."""
    env = launch("forking.terminated", slots)
    for _ in range(5):
        assert env.invoke({"signal": signal.SIGTERM}).response() == -signal.SIGTERM
    assert "shutdown" not in env.process.log


def test_sigint_is_a_keyboard_interrupt_in_a_child(launch: Launcher) -> None:
    """As in any process of Python's. Forked by the main thread: by others, Python 3.13 itself may overhear it."""
    env = launch("forking.terminated")
    assert env.invoke({"signal": signal.SIGINT}).response() == 1
    env.process.wait_for_log("^KeyboardInterrupt$")


def test_a_child_keeps_a_signal_handler_of_the_applications(launch: Launcher) -> None:
    """What is not everloop's is not taken away."""
    assert launch("forking.own_signal_handler").invoke({}).response() == 9


def test_workers_keep_their_signal_handlers(launch: Launcher) -> None:
    """They are forked, too, and by everloop itself; their children are the application's."""
    env = launch("forking.terminated", CONCURRENT | {"EVERLOOP_WORKERS": "2"})
    assert env.invoke({"signal": signal.SIGTERM}).response() == -signal.SIGTERM
    env.api.wait_for_poll(3)
    env.process.signal(signal.SIGTERM)
    assert env.process.exit_code() == 0
    assert "died" not in env.process.log


def test_a_daemon_does_not_hold_up_the_shutdown(launch: Launcher) -> None:
    """It ends when it is asked to, so that the process runs its exit functions in time."""
    env = launch("forking.leaves_a_daemon")
    assert env.invoke({}).response() == "left"
    env.api.wait_for_poll()
    env.process.signal(signal.SIGTERM)
    assert env.process.exit_code() == 0
    assert env.process.logged(f"^exit functions of {env.process.pid}$")
    assert "cut short" not in env.process.log


@SLOTS
@pytest.mark.parametrize(("how", "code"), [("exit", 3), ("raise", 1)])
@pytest.mark.parametrize("kind", ["sync", "coroutine", "asgi", "wsgi"])
def test_a_child_that_ends_answers_nothing(
    launch: Launcher, loop: dict[str, str], slots: dict[str, str], kind: str, how: str, code: int
) -> None:
    """Its parent answers, and serves the next invocation; an exception that ends the child is logged."""
    env = launch(f"forking:{kind}", slots | loop)
    web = kind in ("asgi", "wsgi")
    event: Any = function_url(query=how) if web else {"how": how}
    for _ in range(2):
        answer = env.invoke(event).response()
        assert (answer["body"] if web else answer) == (str(code) if web else code)
    assert answers(env) == 2
    env.process.signal(signal.SIGTERM)
    assert env.process.exit_code() == 0  # and all of the log is there
    assert len(env.process.logged("A process that was forked ends.*LookupError")) == (2 if how == "raise" else 0)
    assert len(env.process.logged("^exit functions of")) == 3


def test_a_child_of_work_after_the_response(launch: Launcher) -> None:
    """The runtime does not shut down with it."""
    env = launch("forking.background")
    for _ in range(2):
        assert env.invoke({"how": "exit"}).response() == "later"
    env.process.wait_for_logs("^ended with 3$", 2)
    assert answers(env) == 2


@pytest.mark.parametrize("workers", [{}, CONCURRENT | {"EVERLOOP_WORKERS": "2"}])
@pytest.mark.parametrize(("how", "code"), [("exit", 3), ("raise", 1)])
def test_a_child_of_the_import(launch: Launcher, workers: dict[str, str], how: str, code: int) -> None:
    """Nobody tells Lambda that the start has failed."""
    env = launch("forking.sync", workers | {"FORK_AT_IMPORT": how})
    assert env.invoke({"how": "exit"}).response() == 3
    env.process.wait_for_log(f"^ended with {code}$")
    assert env.api.requests_to("init/error") == []
