"""The application's lifespan: started once, stopped once, and what its failures mean."""

import asyncio
import logging
import time
from typing import Any

import pytest

from everloop.asgi.lifespan import Lifespan, NoLifespan
from everloop.asgi.types import Application, Receive, Scope, Send
from everloop.errors import LifespanFailed

pytestmark = pytest.mark.anyio


class Scripted:
    """An application that plays a script: `receive` and `return` are words of it, the rest is sent or raised."""

    def __init__(self, *script: Any) -> None:
        self._script = script
        self.seen: list[Any] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(dict(scope))
        for step in self._script:
            if step == "receive":
                self.seen.append(await receive())
            elif step == "forever":
                await asyncio.Event().wait()
            elif isinstance(step, BaseException):
                raise step
            else:
                await send({"type": step} if isinstance(step, str) else step)


UP, DOWN = "lifespan.startup.complete", "lifespan.shutdown.complete"
WHOLE = ("receive", UP, "receive", DOWN)


def lifespan(app: Application, *, required: bool = False, timeout: float = 0) -> Lifespan:
    return Lifespan(app, required=required, timeout=timeout)


async def test_startup_and_shutdown_are_one_call() -> None:
    """One call of the application from start to stop, with the scope that ASGI names."""
    app = Scripted(*WHOLE)
    running = lifespan(app)

    await running.start()
    assert app.seen == [
        {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}},
        {"type": "lifespan.startup"},
    ]
    await running.stop()
    assert app.seen[2:] == [{"type": "lifespan.shutdown"}]


async def test_state_is_what_the_application_put_there() -> None:
    """Requests get a copy of it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["pool"] = "a pool"
        await Scripted(*WHOLE)(scope, receive, send)

    running = lifespan(app)
    await running.start()

    assert running.state == {"pool": "a pool"}
    await running.stop()


@pytest.mark.parametrize("ending", [(), (RuntimeError("no lifespan here"),)], ids=["returns", "raises"])
async def test_auto_serves_an_application_that_ends_before_its_first_receive(ending: tuple[Any, ...]) -> None:
    """That is how applications say that they have no lifespan."""
    running = lifespan(Scripted(*ending))

    await running.start()
    await running.stop()


@pytest.mark.parametrize("ending", [(), (RuntimeError("no lifespan here"),)], ids=["returns", "raises"])
async def test_on_takes_any_failure_seriously(ending: tuple[Any, ...]) -> None:
    """`EVERLOOP_LIFESPAN=on` is for applications that must have one."""
    with pytest.raises(LifespanFailed, match="EVERLOOP_LIFESPAN"):
        await lifespan(Scripted(*ending), required=True).start()


@pytest.mark.parametrize("required", [False, True])
async def test_a_failure_after_the_first_receive_is_one(required: bool) -> None:
    """The startup had begun, so it is no application without lifespan; the cause is kept."""
    cause = ValueError("no database")

    with pytest.raises(LifespanFailed, match="no database") as caught:
        await lifespan(Scripted("receive", cause), required=required).start()

    assert caught.value.__cause__ is cause


async def test_returning_without_a_word_is_a_failure() -> None:
    """After the first `receive()` the application owes an answer."""
    with pytest.raises(LifespanFailed, match=r"lifespan\.startup\.complete"):
        await lifespan(Scripted("receive")).start()


async def test_a_cancelled_startup_is_a_failure() -> None:
    """A startup that was cancelled from inside has not completed."""
    with pytest.raises(LifespanFailed):
        await lifespan(Scripted("receive", asyncio.CancelledError())).start()


async def test_startup_failed_carries_the_applications_message() -> None:
    """The message is what the developer sees in Lambda's initialisation error."""
    failed = {"type": "lifespan.startup.failed", "message": "no database"}

    with pytest.raises(LifespanFailed, match="no database"):
        await lifespan(Scripted("receive", failed)).start()


async def test_startup_failed_without_message_says_so() -> None:
    """An error always has words."""
    with pytest.raises(LifespanFailed, match=r"lifespan\.startup\.failed"):
        await lifespan(Scripted("receive", "lifespan.startup.failed")).start()


async def test_a_startup_that_never_ends_is_a_failure_in_time() -> None:
    """The message names the setting that ended it."""
    with pytest.raises(LifespanFailed, match="EVERLOOP_STARTUP_TIMEOUT"):
        await lifespan(Scripted("receive", "forever"), timeout=0.01).start()


@pytest.mark.parametrize("outcome", [UP, "lifespan.startup.failed"])
async def test_a_startup_that_blocks_the_loop_beyond_its_timeout_counts_by_its_outcome(outcome: str) -> None:
    """The timer can fire only when the startup is over: complete is complete, failed the application's failure."""

    async def blocks(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        time.sleep(0.05)  # noqa: ASYNC251 - as a synchronous client does that connects
        await send({"type": outcome})
        await receive()

    running = lifespan(blocks, timeout=0.01)
    if outcome == UP:
        await running.start()
        assert repr(running) == "<Lifespan RUNNING>"
    else:
        with pytest.raises(LifespanFailed, match=r"sent lifespan\.startup\.failed"):
            await running.start()


async def test_an_exit_during_startup_is_an_exit() -> None:
    """`sys.exit(3)` means what it says."""
    with pytest.raises(SystemExit) as caught:
        await lifespan(Scripted("receive", SystemExit(3))).start()

    assert caught.value.code == 3


@pytest.mark.parametrize(
    ("script", "logged"),
    [
        (("receive", UP, "receive", RuntimeError("broken pipe")), "broken pipe"),
        (("receive", UP, "receive", {"type": "lifespan.shutdown.failed", "message": "flush failed"}), "flush failed"),
    ],
)
async def test_a_failed_shutdown_is_logged_and_ends(
    script: tuple[Any, ...], logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The process ends anyway, and the log says what went wrong."""
    running = lifespan(Scripted(*script))
    await running.start()

    with caplog.at_level(logging.ERROR):
        await running.stop()

    assert logged in caplog.text


async def test_a_lifespan_that_ends_by_itself_is_over() -> None:
    """After its startup the application may return: there is nothing to shut down then."""
    running = lifespan(Scripted("receive", UP))
    await running.start()
    await asyncio.sleep(0)

    await running.stop()


async def test_stopping_twice_is_stopping_once() -> None:
    """Two signals ask for one shutdown."""
    app = Scripted(*WHOLE)
    running = lifespan(app)
    await running.start()

    await running.stop()
    await running.stop()

    assert app.seen.count({"type": "lifespan.shutdown"}) == 1


@pytest.mark.parametrize("wrong", [DOWN, "http.response.start", "lifespan.nonsense"])
async def test_a_message_that_is_wrong_during_startup_is_refused(wrong: str) -> None:
    """The offending `send()` raises, and what it raises ends the startup."""
    with pytest.raises(LifespanFailed, match=wrong):
        await lifespan(Scripted("receive", wrong)).start()


async def test_no_lifespan_has_the_same_methods() -> None:
    """`EVERLOOP_LIFESPAN=off`: nothing is asked anywhere whether there is one."""
    none = NoLifespan()

    await none.start()
    await none.stop()
    assert none.state == {}
