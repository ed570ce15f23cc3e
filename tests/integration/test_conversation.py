"""What goes over the wire when all is well: requests, headers, their order, and when they leave."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from everloop.api.promptness import TRUSTED_AFTER
from support.answers import Answer
from support.environment import Environment, Launcher
from support.gates import Gates
from support.sample_events import function_url, http_api
from support.scripted_api import ScriptedRuntimeApi

Share = Callable[..., Environment]

NEXT = "GET /2018-06-01/runtime/invocation/next HTTP/1.1"


def test_poll_is_a_plain_get(launch: Launcher, loop: dict[str, str]) -> None:
    """The poll has the exact request line, names the host, and has no body."""
    env = launch("echo:app", loop)
    poll = env.api.wait_for_request("next")
    assert poll.request_line == NEXT
    assert poll.headers["host"] == env.api.address
    assert "content-length" not in poll.headers
    assert "transfer-encoding" not in poll.headers
    assert poll.raw == poll.head


def test_response_is_a_post_of_json(launch: Launcher, loop: dict[str, str]) -> None:
    """A buffered response is one POST with its type, its length, and the JSON envelope."""
    env = launch("answers_with:app", loop)
    exchange = env.invoke(function_url())
    envelope = exchange.response()
    request = exchange.request
    assert request.request_line == f"POST /2018-06-01/runtime/invocation/{exchange.request_id}/response HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["content-length"] == str(len(request.body))
    assert request.headers["host"] == env.api.address
    assert "transfer-encoding" not in request.headers
    assert "lambda-runtime-function-response-mode" not in request.headers
    assert request.raw == request.head + request.body
    assert envelope["statusCode"] == 200
    assert envelope["headers"] == {"content-type": "text/plain"}
    assert envelope["body"] == "hello"
    assert envelope["isBase64Encoded"] is False


def test_invocation_id_is_sent_back(shared: Share) -> None:
    """Lambda-Runtime-Invocation-Id comes back with the response where it came, and is absent where it did not."""
    env = shared("answers_with:app")
    first = env.invoke(function_url(), headers={"Lambda-Runtime-Invocation-Id": "attempt-1"}).wait()
    second = env.invoke(function_url()).wait()
    third = env.invoke(function_url(), headers={"lambda-runtime-invocation-id": "attempt-3"}).wait()
    assert first.request.headers["lambda-runtime-invocation-id"] == "attempt-1"
    assert "lambda-runtime-invocation-id" not in second.request.headers
    assert third.request.headers["lambda-runtime-invocation-id"] == "attempt-3"


def test_invocation_id_is_sent_back_with_errors_and_streams(launch: Launcher) -> None:
    """An error and a streamed response carry the invocation id as well."""
    env = launch("answers_with:app", {"EVERLOOP_RESPONSE_MODE": "streaming", "EVERLOOP_EVENTS": "off"})
    header = {"Lambda-Runtime-Invocation-Id": "attempt-1"}
    failed = env.invoke({"no": "http"}, headers=header)
    failed.error()
    streamed = env.invoke(function_url(), headers=header).wait()
    assert failed.request.headers["lambda-runtime-invocation-id"] == "attempt-1"
    assert streamed.request.headers["lambda-runtime-invocation-id"] == "attempt-1"


def test_one_connection_serves_all_invocations(launch: Launcher, loop: dict[str, str]) -> None:
    """Polls and responses share one kept-alive connection, each poll before its response, one response each."""
    env = launch("answers_with:app", {**loop, "EVERLOOP_EXTENSION": "off"})
    for _ in range(20):
        env.answers(function_url())
    env.api.wait_for_poll()
    assert len(env.api.connections) == 1
    assert [request.endpoint for request in env.api.requests] == ["next", "response"] * 20 + ["next"]


def test_warm_response_and_next_poll_leave_together(launch: Launcher) -> None:
    """Once the application has shown that it returns at once, its responses and the next polls are one TCP segment.

    A process that a busy machine stops for milliseconds looks like one that works after its response, and has to show
    again that it does not: so it has many times as long as it takes, and the first response must not be joined.
    """
    env = launch("answers_with:app", {"EVERLOOP_LOOP": "uvloop"})
    poll = env.api.wait_for_poll()[0]
    in_a_row = invocations = 0
    while in_a_row < 5:
        assert invocations < 40 * TRUSTED_AFTER, "responses and polls do not leave together"
        invocations += 1
        before = poll.connection.segments()
        exchange = env.invoke(function_url()).wait()
        following = env.api.wait_for_poll()[0]
        together = poll.connection.segments() - before == 1
        in_a_row = in_a_row + 1 if together else 0
        if together:
            assert following.head_piece == exchange.request.head_piece
    assert invocations > TRUSTED_AFTER


def test_next_poll_does_not_wait_for_the_202(launch: Launcher, loop: dict[str, str]) -> None:
    """The poll is on the wire while the Runtime API still keeps the response's 202 back."""
    env = launch("answers_with:app", loop)
    release = threading.Event()
    exchange = env.invoke(function_url(), answer=Answer(hold=release)).wait()
    connection = exchange.request.connection
    env.api.wait_for(
        lambda: b"".join(piece.data for piece in connection.pieces).count(NEXT.encode()) == 2, "the second poll"
    )
    assert exchange.request.answered_at is None
    release.set()
    assert env.answers(function_url())["statusCode"] == 200


@pytest.mark.parametrize("piece", [1, 3])
def test_deliveries_may_be_cut_anywhere(launch: Launcher, loop: dict[str, str], piece: int) -> None:
    """Where the network cuts the Runtime API's answers does not change what they say."""
    env = launch("echo:app", loop)
    event = function_url("/päth", method="POST", body="text — with more than ASCII")
    for _ in range(2):
        exchange = env.invoke(event, delivery=Answer(piece=piece), answer=Answer(piece=piece))
        assert "text \\u00e2" in exchange.response()["body"]


def test_deliveries_may_be_chunked(launch: Launcher) -> None:
    """A delivery and a 202 without Content-Length, in chunks, are understood; the connection is kept."""
    env = launch("answers_with:app", {"EVERLOOP_EXTENSION": "off"})
    for piece in (None, 1, None):
        chunked = Answer(chunked=True, piece=piece)
        assert env.invoke(function_url(), delivery=chunked, answer=chunked).response()["statusCode"] == 200
    assert len(env.api.connections) == 1


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_bodies_that_http_forbids_are_dropped(shared: Share, method: str, status: int) -> None:
    """A body that the application sends for HEAD, 204 or 304 is dropped."""
    envelope = shared("answers_with:app").answers(function_url(method=method, query=f"status={status}&text=never"))
    assert envelope["statusCode"] == status
    assert not envelope["body"]


def test_hop_by_hop_headers_are_removed(shared: Share) -> None:
    """`transfer-encoding`, `connection` and `keep-alive` concern a connection that the client never sees."""
    names = ["transfer-encoding", "connection", "keep-alive", "x-kept"]
    query = "&".join(f"name={name}&value=close" for name in names)
    assert shared("answers_with:app").answers(function_url(query=query))["headers"] == {"x-kept": "close"}


def test_python_is_the_process_that_gets_the_signals(launch: Launcher) -> None:
    """`bootstrap` leaves no shell between Lambda and Python."""
    env = launch("answers_with:app")
    env.api.wait_for_poll()
    command = Path(f"/proc/{env.process.pid}/cmdline").read_bytes().split(b"\0")
    assert command[1:4] == [b"-m", b"everloop", b"answers_with:app"]


def test_client_has_its_answer_before_background_work_ends(launch: Launcher, gates: Gates) -> None:
    """The response leaves with the last body message; the next poll only when the application has returned."""
    env = launch("waiting:background", gates.env)
    exchange = env.invoke(function_url())
    assert exchange.response()["body"] == "done"
    env.process.wait_for_log("background begins")
    polls = len(env.api.requests_to("next"))
    assert not env.process.logged("background ends")
    assert polls == 1
    gates.open("background")
    env.api.wait_for_poll()
    env.process.wait_for_log("background ends")


def test_poll_waits_for_work_given_to_wait_until(launch: Launcher, gates: Gates) -> None:
    """Work given to `everloop.wait_until` delays the next poll, not the answer."""
    env = launch("waiting:given_to_wait_until", gates.env)
    assert env.invoke(function_url()).response()["body"] == "done"
    env.process.wait_for_log("background begins")
    assert len(env.api.requests_to("next")) == 1
    gates.open("background")
    env.api.wait_for_poll()
    env.process.wait_for_log("background ends")


def test_background_work_ends_at_the_deadline(launch: Launcher) -> None:
    """Background work that does not end delays the next poll until the deadline less the margin, no longer."""
    env = launch("waiting:endless_background", {"EVERLOOP_DEADLINE_MARGIN": "0.5"})
    exchange = env.invoke(function_url(), timeout=1.2)
    assert exchange.response()["body"] == "done"
    poll = env.api.wait_for_poll()[0]
    assert 0.65 < poll.received_at - exchange.delivered_at < 1.2


def test_failed_wait_until_is_logged(launch: Launcher) -> None:
    """What is given to `wait_until` and fails is logged with the request id; the answer stands."""
    env = launch("waiting:failing_wait_until")
    exchange = env.invoke(function_url())
    assert exchange.response()["body"] == "done"
    assert exchange.request_id in env.process.wait_for_log("the work failed").text
    env.api.wait_for_poll()


def test_work_that_is_given_after_the_end_of_its_invocation_is_logged(
    launch: Launcher, gates: Gates, loop: dict[str, str]
) -> None:
    """It is waited for by nobody, but what becomes of it is told at once, under the request id that it comes from."""
    env = launch("waiting:outliving", loop | gates.env)
    first = env.invoke(function_url())
    first.wait()
    env.answers(function_url("/other"))
    gates.open("over")
    env.process.wait_for_log("the work failed")
    lines = env.process.logged("Work given to wait_until")
    assert len(lines) == 1
    assert first.request_id in lines[0].text


def test_large_events_arrive_whole(shared: Share) -> None:
    """An event of 6 MB is one event."""
    env = shared("answers_with:app")
    event = function_url(method="POST", body="y" * 6_000_000)
    assert env.invoke(event).response()["statusCode"] == 200


def test_event_is_json_whatever_its_content_type(shared: Share) -> None:
    """The event is parsed as JSON whatever the delivery's Content-Type says, or when it says nothing."""
    env = shared("answers_with:app")
    for content_type in ("text/plain", "application/octet-stream", None):
        assert env.invoke(function_url(), headers={"Content-Type": content_type}).response()["statusCode"] == 200


def test_unknown_headers_are_ignored(shared: Share) -> None:
    """Headers that Lambda may add some day, repeated ones and absent optional ones do not matter."""
    env = shared("answers_with:app")
    headers = {"X-New": "1", "Lambda-Runtime-Trace-Id": None, "Lambda-Runtime-Invoked-Function-Arn": None}
    assert env.invoke(function_url(), headers=headers).response()["statusCode"] == 200


def test_application_sees_scope_event_and_context(launch: Launcher) -> None:
    """The application gets the ASGI scope, the event and Lambda's context."""
    env = launch("echo:app")
    event = function_url("/some%20path", method="POST", query="a=1&a=2", headers={"X-Name": "v"}, body=b"\x00\xff")
    exchange = env.invoke(event)
    seen = json.loads(exchange.response()["body"])
    scope = seen["scope"]
    assert seen["body"] == "\x00\xff"
    assert seen["messages"] == 1
    assert (scope["type"], scope["method"], scope["path"], scope["raw_path"], scope["query_string"]) == (
        "http",
        "POST",
        "/some path",
        "/some%20path",
        "a=1&a=2",
    )
    assert ["x-name", "v"] in scope["headers"]
    assert scope["aws.event"] == event
    assert exchange.request_id in scope["aws.context"]


def test_sources_without_streams_are_answered_buffered(launch: Launcher) -> None:
    """In streaming mode an HTTP API is answered buffered, with one warning however many requests come."""
    env = launch("answers_with:app", {"EVERLOOP_RESPONSE_MODE": "streaming"})
    for _ in range(3):
        exchange = env.invoke(http_api())
        assert exchange.response()["body"] == "hello"
        assert "lambda-runtime-function-response-mode" not in exchange.request.headers
    env.api.wait_for_poll()
    env.process.wait_for_log("(?i)buffered")
    assert len(env.process.logged("(?i)buffered")) == 1


def test_extension_is_registered_before_the_first_poll(launch: Launcher) -> None:
    """An internal extension without events is registered before the first poll, and its own poll is parked."""
    env = launch("answers_with:app")
    poll = env.api.wait_for_poll()[0]
    register = env.api.wait_for_request("register", timeout=1)
    parked = env.api.wait_for_request("event/next", timeout=1)
    assert register.json() == {"events": []}
    assert register.headers["lambda-extension-name"]
    assert register.received_at < poll.received_at
    assert parked.headers["lambda-extension-identifier"] == "5b1b0b7c-0000-4000-8000-000000000001"
    assert env.answers(function_url())["statusCode"] == 200


@pytest.mark.parametrize(
    "setting",
    [
        "auto",
        "off",
    ],
)
def test_works_without_the_extensions_api(launch: Launcher, setting: str) -> None:
    """Where the Extensions API is absent, or the setting is off, invocations are served all the same."""
    with ScriptedRuntimeApi(extensions=False) as api:
        env = launch("answers_with:app", {"EVERLOOP_EXTENSION": setting}, api=api)
        assert env.answers(function_url())["statusCode"] == 200
        assert api.requests_to("event/next") == []
        assert bool(api.requests_to("register")) == (setting == "auto")
