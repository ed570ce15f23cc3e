"""`sys.exit()` in every kind of handler: Lambda is told why, what was begun is closed, the process ends."""

from typing import Any

import pytest

from support.environment import Launcher
from support.exchange import Exchange
from support.sample_events import function_url

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming"}
CODE = 7


@pytest.fixture(params=[{}, {"AWS_LAMBDA_MAX_CONCURRENCY": "2"}], ids=["one-slot", "two-slots"])
def slots(request: pytest.FixtureRequest) -> dict[str, str]:
    """Main thread, loop or pool: what is seen from outside is the same."""
    found: dict[str, str] = request.param
    return found


def event(kind: str, when: str) -> Any:
    return function_url(query=when.replace(" ", "+")) if kind in ("asgi", "wsgi") else {"when": when}


@pytest.mark.parametrize("kind", ["sync", "coroutine", "generator", "async_generator", "asgi", "wsgi"])
def test_before_anything_is_sent(launch: Launcher, slots: dict[str, str], kind: str) -> None:
    """The invocation fails with SystemExit; there is no further poll."""
    env = launch(f"exiting:{kind}", STREAMING | slots)
    error = env.invoke(event(kind, "at once")).error()
    assert (error["errorType"], error["errorMessage"]) == ("SystemExit", str(CODE))
    assert env.process.exit_code() == CODE
    assert "SystemExit" in env.process.log


@pytest.mark.parametrize("kind", ["generator", "async_generator", "asgi", "wsgi"])
def test_in_mid_stream(launch: Launcher, slots: dict[str, str], kind: str) -> None:
    """What was sent stands, the trailers say SystemExit, and the generator is closed before the process ends."""
    env = launch(f"exiting:{kind}", STREAMING | slots)
    exchange = env.invoke(event(kind, "in the middle")).wait()
    assert exchange.body.endswith(b"begun")
    assert exchange.trailers["lambda-runtime-function-error-type"] == "Function.SystemExit"
    assert env.process.exit_code() == CODE
    if kind != "asgi":
        assert len(env.process.logged("^generator closed$")) == 1


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_after_the_last_piece(launch: Launcher, slots: dict[str, str], kind: str) -> None:
    """The response stands."""
    env = launch(f"exiting:{kind}", STREAMING | slots)
    exchange: Exchange = env.invoke(event(kind, "at the end")).wait()
    assert exchange.request.stream() == b"begun and ended"
    assert exchange.trailers == {}
    assert env.process.exit_code() == CODE


@pytest.mark.parametrize("app", ["asgi", "wsgi"])
@pytest.mark.parametrize("beside", ["sync", "coroutine"])
def test_in_a_handler_beside_the_application(launch: Launcher, slots: dict[str, str], app: str, beside: str) -> None:
    """The same for what EVERLOOP_EVENTS names."""
    env = launch(f"exiting:{app}", slots | {"EVERLOOP_EVENTS": f"exiting:{beside}"})
    assert env.invoke({"when": "later"}).response() == {"when": "later"}
    assert env.invoke({"when": "at once"}).error()["errorType"] == "SystemExit"
    assert env.process.exit_code() == CODE


@pytest.mark.parametrize(("how", "code"), [("SystemExit", 3), ("KeyboardInterrupt", 1)])
@pytest.mark.parametrize("handler", ["gives_work_that_exits", "gives_work_that_exits_on_the_loop"])
def test_an_exit_in_work_after_the_response_is_told(
    launch: Launcher, loop: dict[str, str], handler: str, how: str, code: int
) -> None:
    """Such an exception ends the loop, whoever runs it: it is logged, and the process shuts down in order."""
    env = launch(f"lingering.{handler}", loop)
    assert env.invoke({"how": how}).response() == "answered"
    assert env.process.exit_code() == code
    assert len(env.process.logged(f"A task raised {how}")) == 1
    assert env.process.logged("the exit handlers ran")
    assert not env.process.logged("Logging error|^Traceback")
