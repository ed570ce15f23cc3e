"""Who cancels the task of an invocation without being everloop harms that invocation only."""

from support.environment import Launcher
from support.sample_events import function_url


def test_an_application_that_cancels_itself_is_a_500(launch: Launcher, loop: dict[str, str]) -> None:
    """It is no shutdown: it is logged, and the slot polls again."""
    env = launch("cancelling:at_once", loop)
    exchange = env.invoke(function_url("/cancel"))
    assert exchange.response()["statusCode"] == 500
    assert "The application raised" in env.process.wait_for_log(exchange.request_id).text
    assert env.answers(function_url("/"))["body"] == "fine"


def test_a_cancellation_after_the_response_costs_no_slot(launch: Launcher, loop: dict[str, str]) -> None:
    """It is told, and the next poll goes out, with the work that it should have waited for left running."""
    env = launch("cancelling:too_late", loop)
    exchange = env.invoke(function_url("/late"))
    assert exchange.response()["statusCode"] == 200
    told = env.process.wait_for_log("was cancelled after the application had returned")
    assert exchange.request_id in told.text
    assert env.answers(function_url("/"))["body"] == "fine"
    env.process.wait_for_log("the work is done")


def test_a_handler_that_cancels_itself_fails(launch: Launcher, loop: dict[str, str]) -> None:
    """With the error's own name, and the slot polls again."""
    env = launch("cancelling:handler", loop)
    assert env.invoke({"cancel": True}).error()["errorType"] == "CancelledError"
    assert env.answers({}) == "fine"
