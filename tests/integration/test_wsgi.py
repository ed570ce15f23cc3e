"""WSGI applications: PEP 3333 inside, Lambda's envelopes and streams outside."""

import json

import pytest

from support.environment import Launcher
from support.sample_events import function_url

pytest.importorskip("flask")
SLOTS = [{}, {"AWS_LAMBDA_MAX_CONCURRENCY": "2"}]
STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming"}


@pytest.fixture(params=SLOTS, ids=["one-slot", "two-slots"])
def slots(request: pytest.FixtureRequest) -> dict[str, str]:
    """Main thread or pool: what is seen from outside is the same."""
    found: dict[str, str] = request.param
    return found


@pytest.mark.parametrize("name", ["flask", "bottle", "falcon", "django_wsgi", "django_asgi"])
def test_frameworks(launch: Launcher, slots: dict[str, str], name: str) -> None:
    """A JSON request through real frameworks."""
    pytest.importorskip(name.partition("_")[0])
    event = function_url("/echo", method="POST", body='{"a": 1}')
    event["headers"]["content-type"] = "application/json"
    answer = launch(f"wsgi_apps:{name}()", slots).answers(event)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"path": "/echo", "json": {"a": 1}, "root": ""}


def test_a_whole_request_and_response(launch: Launcher, slots: dict[str, str]) -> None:
    """Base path, decoded path, raw query, body, cookies, `write`."""
    env = launch("wsgi_apps:bare", slots | {"EVERLOOP_BASE_PATH": "/api"})
    event = function_url("/api/caf%C3%A9%2Fx", method="POST", body="héllo")
    event["rawQueryString"] = "a=%20b+c"
    answer = env.answers(event)
    # The application answers with the latin-1 characters of PEP 3333, encoded once more.
    path = "/café/x".encode().decode("latin-1")
    assert answer["body"].startswith(f"/api|{path}|a=%20b+c|héllo|")
    assert answer["cookies"] == ["a=1", "b=2"]


def test_the_head_may_be_replaced_before_it_is_sent(launch: Launcher) -> None:
    """start_response() with exc_info."""
    answer = launch("wsgi_apps:bare").answers(function_url("/exc"))
    assert (answer["statusCode"], answer["headers"]["x-second"], answer["body"]) == (503, "2", "busy")
    assert "x-first" not in answer["headers"]


@pytest.mark.parametrize("path", ["/fails", "/nothing"])
def test_failures_are_answered_500(launch: Launcher, slots: dict[str, str], path: str) -> None:
    """An exception, or no response at all; the next request is served."""
    env = launch("wsgi_apps:bare", slots)
    assert env.answers(function_url(path))["statusCode"] == 500
    assert env.answers(function_url("/"))["statusCode"] == 200


@pytest.mark.parametrize("path", ["/undecodable", "/undecodable/text"])
@pytest.mark.parametrize("mode", [{}, STREAMING], ids=["buffered", "streaming"])
def test_what_json_cannot_carry_is_answered_500(
    launch: Launcher, slots: dict[str, str], mode: dict[str, str], path: str
) -> None:
    """The name of a file that is not UTF-8, in a header: the response is none, and does not stand."""
    env = launch("wsgi_apps:bare", slots | mode)
    exchange = env.invoke(function_url(path)).wait()
    assert b'"statusCode":500' in exchange.request.content
    env.process.wait_for_log("surrogates not allowed")
    assert not env.process.logged("the response stands")
    env.invoke(function_url("/run")).wait()


def test_iterables_are_streamed(launch: Launcher, slots: dict[str, str]) -> None:
    """A chunk for a piece, and trailers for a failure in the middle."""
    answer = launch("wsgi_apps:bare", slots | STREAMING).invoke(function_url("/stream")).wait()
    assert answer.request.stream() == b"onetwo"
    assert bytes(answer.chunks[-1].data) == b"two"
    assert answer.trailers["lambda-runtime-function-error-type"] == "Function.ValueError"


def test_one_slot_is_the_main_thread(launch: Launcher) -> None:
    """Signals arrive there, and no loop runs."""
    env = launch("wsgi_apps:bare")
    assert env.answers(function_url("/thread"))["body"] == "MainThread"
    assert env.answers(function_url("/run"))["body"] == "42"


def test_threads_that_do_not_come_back(launch: Launcher) -> None:
    """Answered 504 and replaced; when more are left than there are slots, the process ends with 1."""
    env = launch("wsgi_apps:bare", {"AWS_LAMBDA_MAX_CONCURRENCY": "2", "SLOW": "30"})
    for _ in range(2):
        assert env.invoke(function_url("/slow"), timeout=1.0).response()["statusCode"] == 504
        assert env.answers(function_url("/"))["statusCode"] == 200
    assert env.invoke(function_url("/slow"), timeout=1.0).response()["statusCode"] == 504
    assert env.process.exit_code() == 1


def test_a_thread_of_a_handler_beside_it_that_does_not_come_back(launch: Launcher) -> None:
    """Its invocation fails in time, the slot polls on."""
    env = launch(
        "wsgi_apps:bare",
        {"AWS_LAMBDA_MAX_CONCURRENCY": "2", "EVERLOOP_EVENTS": "blocking:sleeps", "EVERLOOP_EXTENSION": "off"},
    )
    assert env.invoke({"seconds": 30}, timeout=1.0).error()["errorType"] == "Runtime.DeadlineExceeded"
    env.api.wait_for_poll(2)
    assert env.answers(function_url("/"))["statusCode"] == 200
