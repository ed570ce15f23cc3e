"""Context variables are an invocation's own."""

from support.environment import Launcher
from support.gates import Gates
from support.sample_events import function_url


def test_a_new_connection_hands_no_variables_on(launch: Launcher, gates: Gates, loop: dict[str, str]) -> None:
    """Not even one that is made at the end of an invocation, whose own connection broke."""
    env = launch("remembering:app", loop | gates.env)
    assert env.answers(function_url("/first"))["body"] == "nobody"
    exchange = env.invoke(function_url("/waits")).wait_for_delivery()
    env.process.wait_for_log("^waiting$")  # the event is not only taken for the poll, it has come
    assert exchange.delivered_to is not None
    exchange.delivered_to.connection.close()
    env.process.wait_for_log(f"request {exchange.request_id} was being worked on")
    gates.open("answer")
    assert [env.answers(function_url("/next"))["body"] for _ in range(3)] == ["nobody"] * 3
