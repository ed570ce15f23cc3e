"""Generators and async functions: streamed as they yield, joined where the mode is buffered, closed in any case."""

from pathlib import Path
from typing import Any

import pytest

from support.answers import Drop
from support.environment import Launcher
from support.gates import Gates
from support.sample_events import function_url

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming"}
SLOTS = [{}, {"AWS_LAMBDA_MAX_CONCURRENCY": "2"}]
ALL = ["pieces", "apieces", "returns_generator", "returns_async_generator", "plain_returns_async"]


@pytest.fixture(params=SLOTS, ids=["one-slot", "two-slots"])
def slots(request: pytest.FixtureRequest) -> dict[str, str]:
    """Main thread or pool: what is seen from outside is the same."""
    found: dict[str, str] = request.param
    return found


@pytest.mark.parametrize("handler", ALL)
def test_pieces_are_streamed(launch: Launcher, slots: dict[str, str], handler: str) -> None:
    """Every kind of generator makes a plain stream: a chunk for a piece, no prelude, empty pieces left out."""
    answer = launch(f"yielding.{handler}", STREAMING | slots).invoke({}).wait()
    assert answer.request.headers["lambda-runtime-function-response-mode"] == "streaming"
    assert answer.request.headers["content-type"] == "application/octet-stream"
    assert [bytes(chunk.data) for chunk in answer.chunks] == ["héllo ".encode(), b"world"]
    assert answer.trailers == {}


@pytest.mark.parametrize("handler", ALL)
def test_pieces_are_joined(launch: Launcher, slots: dict[str, str], handler: str) -> None:
    """In buffered mode text is joined to one JSON text."""
    assert launch(f"yielding.{handler}", slots).invoke({}).response() == "héllo world"


def test_bytes_are_joined_raw(launch: Launcher) -> None:
    """In buffered mode bytes are sent as they are, as AWS's client does with bytes."""
    answer = launch("yielding.raw").invoke({}).wait()
    assert (answer.body, answer.request.headers["content-type"]) == (b"\x00\xff", "application/unknown")


@pytest.mark.parametrize("handler", ["with_head", "awith_head", "returned_head"])
def test_an_http_stream_has_a_prelude(launch: Launcher, slots: dict[str, str], handler: str) -> None:
    """A head makes it an HTTP stream."""
    answer = launch(f"yielding.{handler}", STREAMING | slots).invoke(function_url()).wait()
    assert answer.request.headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert answer.request.prelude() == {
        "statusCode": 201,
        "headers": {"content-type": "text/plain", "x-many": "1,2"},
        "cookies": ["a=1", "b=2"],
    }
    assert answer.request.stream() == b"made"


@pytest.mark.parametrize("handler", ["with_head", "returned_head"])
def test_an_http_stream_is_an_envelope_in_buffered_mode(launch: Launcher, handler: str) -> None:
    """The same handler behind a buffered URL."""
    answer = launch(f"yielding.{handler}").answers(function_url())
    assert (answer["statusCode"], answer["body"], answer["cookies"]) == (201, "made", ["a=1", "b=2"])


@pytest.mark.parametrize("mode", [{}, STREAMING], ids=["buffered", "streaming"])
@pytest.mark.parametrize("handler", ["told_when_closed", "atold_when_closed"])
def test_a_head_request_has_no_body(
    launch: Launcher, slots: dict[str, str], mode: dict[str, str], handler: str
) -> None:
    """The generator runs to its end, and what it yields is dropped."""
    env = launch(f"yielding.{handler}", slots | mode)
    answer = env.invoke(function_url(method="HEAD")).wait()
    assert (answer.request.stream() if mode else answer.response()["body"].encode()) == b""
    env.process.wait_for_log("^generator closed$")
    assert len(env.process.logged("^ran to its end$")) == len(env.process.logged("^generator closed$")) == 1


def test_an_endless_answer_to_head_ends_at_the_deadline(launch: Launcher, slots: dict[str, str]) -> None:
    """The client has its head at once, and its response stands; the generator neither blocks nor goes on for ever."""
    env = launch("yielding.without_an_end", STREAMING | slots)
    answer = env.invoke(function_url(method="HEAD"), timeout=1.0).wait()
    assert (answer.request.stream(), answer.trailers) == (b"", {})
    env.process.wait_for_log("^generator closed$")
    env.process.wait_for_log("Runtime.DeadlineExceeded.*after its answer was complete; the answer stands")
    assert env.invoke(function_url(method="HEAD"), timeout=1.0).wait().request.complete


@pytest.mark.parametrize(("handler", "stream"), [("head_alone", b""), ("nothing", None)])
def test_empty_streams(launch: Launcher, handler: str, stream: bytes | None) -> None:
    """A stream without pieces is a stream all the same."""
    answer = launch(f"yielding.{handler}", STREAMING).invoke({}).wait()
    assert answer.body == b"" if stream is None else answer.request.stream() == stream


@pytest.mark.parametrize("handler", ["fails", "afails"])
def test_failures_in_the_middle_are_trailers(launch: Launcher, slots: dict[str, str], handler: str) -> None:
    """What was sent stands; the trailers say what happened; the process serves on."""
    env = launch(f"yielding.{handler}", STREAMING | slots)
    for _ in range(2):
        answer = env.invoke({}).wait()
        assert answer.body == b"begun"
        assert answer.trailers["lambda-runtime-function-error-type"] == "Function.ValueError"
        assert answer.request.trailer_error()["errorMessage"] == "in the middle"


@pytest.mark.parametrize("handler", ["fails", "afails"])
def test_failures_are_errors_in_buffered_mode(launch: Launcher, handler: str) -> None:
    """Nothing was sent yet, so the invocation fails as a whole."""
    assert launch(f"yielding.{handler}").invoke({}).error()["errorType"] == "ValueError"


def test_other_pieces_are_errors(launch: Launcher) -> None:
    """Neither text nor bytes."""
    assert launch("yielding.wrong", STREAMING).invoke({}).error()["errorType"] == "Runtime.MarshalError"


def test_a_piece_leaves_at_once(launch: Launcher, slots: dict[str, str], gates: Gates) -> None:
    """The first piece is there while the generator works on the second."""
    answer = launch("yielding.gated", STREAMING | slots | gates.env).invoke({})
    answer.wait_for_bytes(b"first")
    assert not answer.request.complete
    gates.open("go")
    assert answer.wait().body == b"firstsecond"


@pytest.mark.parametrize("handler", ["closes", "closes_too"])
def test_generators_are_closed_when_nobody_reads(
    launch: Launcher, slots: dict[str, str], handler: str, tmp_path: Path
) -> None:
    """A broken connection ends the generator, with its `finally` blocks; the next invocation is served."""
    closed = tmp_path / "closed"
    env = launch(f"yielding.{handler}", STREAMING | slots | {"CLOSED": str(closed)})
    env.invoke({}, answer=Drop(after=5000))
    env.api.wait_for_poll(2 if slots else 1)
    assert closed.exists()


def test_a_decorated_async_function_is_awaited(launch: Launcher, slots: dict[str, str]) -> None:
    """A decorator makes a plain function of it; what that returns is awaited on the loop, in the same context."""
    assert launch("yielding.decorated_async", slots).invoke({}).response() is True


@pytest.mark.parametrize("slot_env", SLOTS)
def test_async_functions_stop_before_the_deadline(launch: Launcher, slot_env: dict[str, str]) -> None:
    """The handler is cancelled, the invocation fails, the process lives."""
    env = launch("yielding.slow", slot_env)
    for _ in range(2):
        assert env.invoke({}, timeout=1.0).error()["errorType"] == "Runtime.DeadlineExceeded"


ON_THE_LOOP = pytest.mark.parametrize(
    ("prefix", "slot_env"), [("", SLOTS[0]), *(("plain_returns_", one) for one in SLOTS)], ids=["loop", "main", "pool"]
)
"""On the loop by itself; run there for the main thread; run there for a thread of the pool."""


@ON_THE_LOOP
def test_async_functions_whose_connection_broke_stop_before_the_deadline_too(
    launch: Launcher, prefix: str, slot_env: dict[str, str]
) -> None:
    """A break alone stops none: it may be at work that matters. But nothing is left running for that."""
    env = launch(f"yielding.{prefix}slow", slot_env | {"EVERLOOP_EXTENSION": "off"})
    exchange = env.invoke({}, timeout=0.7).wait_for_delivery()
    env.process.wait_for_log("slow one begins")
    assert exchange.delivered_to is not None
    exchange.delivered_to.connection.close()
    stopped = env.process.wait_for_log("slow one stopped")
    assert stopped.at - exchange.delivered_at > 0.3
    env.api.wait_for_poll(2 if slot_env else 1)
    assert env.process.logged("response complete|answer was complete|left to itself") == []


@ON_THE_LOOP
def test_async_functions_that_do_not_stop_are_left_to_themselves(
    launch: Launcher, prefix: str, slot_env: dict[str, str]
) -> None:
    """Answered for, and the slot polls on: also where the main thread had the loop run for it."""
    env = launch(f"yielding.{prefix}stubborn", slot_env)
    assert env.invoke({}, timeout=0.7).error()["errorType"] == "Runtime.DeadlineExceeded"
    env.process.wait_for_log("left to itself")
    for _ in range(2):
        assert env.invoke({"quick": True}).response() == "quick"
    assert env.process.logged("please report|destroyed|Traceback") == []


def test_async_functions_share_one_loop(launch: Launcher) -> None:
    """Clients that are made once live on from call to call."""
    env = launch("yielding.same_loop")
    answers: list[Any] = [env.invoke({}).response() for _ in range(3)]
    assert answers == [False, True, True]
