"""AWS's real emulator as the judge: the handshake, the order of calls, limits, restarts, in both of its modes."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from support.rie import Answer, Rie, Unavailable, classic, managed_instances
from support.sample_events import function_url

Start = Callable[..., Rie]

pytestmark = pytest.mark.rie

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming"}
NULS = b"\0" * 8


@pytest.fixture(params=["classic", "managed instances"])
def mode(request: pytest.FixtureRequest) -> str:
    """The emulator's mode, for laws that hold in both."""
    mode: str = request.param
    return mode


@pytest.fixture
def emulator() -> Iterator[Start]:
    """Starts the emulator: `emulator(mode, handler, env)`. Skips where it cannot be had."""
    with ExitStack() as stack:

        def start(mode: str, handler: str, env: dict[str, str] | None = None) -> Rie:
            begin = classic if mode == "classic" else managed_instances
            try:
                return stack.enter_context(begin(handler, env))
            except Unavailable as error:
                pytest.skip(str(error))

        yield start


def streamed(answer: Answer) -> bytes:
    """The body behind the prelude, which the emulator passes on as it came."""
    prelude, nuls, body = answer.body.partition(NULS)
    assert prelude.startswith(b'{"statusCode":200')
    assert nuls
    return body


def test_buffered(emulator: Start, mode: str) -> None:
    """Buffered responses come back, call after call, out of one process."""
    rie = emulator(mode, "crashing:app")
    answers = [rie.invoke(function_url()).json() for _ in range(5)]
    assert [answer["statusCode"] for answer in answers] == [200] * 5
    assert len({answer["body"] for answer in answers}) == 1


def test_streamed(emulator: Start, mode: str) -> None:
    """Streamed responses come back whole, call after call; Managed Instances mode says that they were streamed."""
    rie = emulator(mode, "streaming:pieces", STREAMING)
    for _ in range(3):
        answer = rie.invoke(function_url())
        assert answer.status == 200
        assert streamed(answer) == b"abcdef"
    if mode != "classic":
        assert answer.headers["lambda-runtime-function-response-mode"] == "streaming"
        assert answer.headers["content-type"] == "application/vnd.awslambda.http-integration-response"


def test_limit(emulator: Start, mode: str) -> None:
    """At 6,291,556 bytes of JSON the emulator takes the response, and at one byte more we report it as too large."""
    rie = emulator(mode, "answers_with:app")
    envelope = len(rie.invoke(function_url(query="size=1")).body) - 1
    largest = rie.invoke(function_url(query=f"size={6_291_556 - envelope}"))
    assert largest.json()["statusCode"] == 200
    too_large = rie.invoke(function_url(query=f"size={6_291_557 - envelope}")).json()
    assert too_large["errorType"] == "Function.ResponseSizeTooLarge"
    assert "everloop" not in too_large.get("stackTrace", [])
    assert rie.invoke(function_url()).json()["statusCode"] == 200


def test_invocation_error(emulator: Start, mode: str) -> None:
    """An event that is not JSON gives the caller our error; the next one is served."""
    rie = emulator(mode, "answers_with:app")
    assert rie.invoke(b"{").json()["errorType"] == "Runtime.UnmarshalError"
    assert rie.invoke(function_url()).json()["statusCode"] == 200


def test_long_failure_in_mid_stream(emulator: Start, mode: str) -> None:
    """Its trailers are taken, where longer ones would cost the response, and in classic mode the process."""
    rie = emulator(mode, "failing:mid_stream_at_length", STREAMING)
    for _ in range(2):
        answer = rie.invoke(function_url())
        if mode == "classic":  # it ignores trailers
            assert streamed(answer) == b"half"
        else:
            assert answer.json()["errorType"] == "CourierError"


def test_stream_over_the_limit(emulator: Start, mode: str) -> None:
    """A stream that the emulator refuses in the middle (it takes 6 MiB) is survived."""
    rie = emulator(mode, "streaming:quiet_large", {**STREAMING, "PIECES": "120"})
    for _ in range(2):
        assert rie.invoke(function_url()).json()["errorType"] == "Function.ResponseSizeTooLarge"


def test_initialisation_error(emulator: Start) -> None:
    """The caller gets our report of a failed initialisation, each time anew."""
    rie = emulator("classic", "no_such_module:app")
    for _ in range(2):
        answer = rie.invoke(function_url())
        assert answer.status == 502
        assert answer.json()["errorType"] == "Runtime.ImportModuleError"
        assert "no_such_module" in answer.json()["errorMessage"]


def test_initialisation_error_with_managed_instances(emulator: Start) -> None:
    """In Managed Instances mode a failed initialisation ends the emulator, as Lambda replaces the environment."""
    rie = emulator("managed instances", "no_such_module:app")
    assert rie.process.exit_code(10) == 1
    assert "Runtime.ImportModuleError" in rie.process.log
    assert "no_such_module" in rie.process.log


def test_crash_and_restart(emulator: Start) -> None:
    """After a crash the next call is served by a new process."""
    rie = emulator("classic", "crashing:app")
    first = rie.invoke(function_url()).json()["body"]
    crash = rie.invoke(function_url("/crash"))
    assert crash.status == 502
    assert crash.json()["errorType"] == "Runtime.ExitError"
    assert rie.invoke(function_url()).json()["body"] != first


def test_system_exit_and_restart(emulator: Start) -> None:
    """An application that raises SystemExit is reported, and the next call is served anew."""
    rie = emulator("classic", "failing:system_exit")
    for _ in range(2):
        assert rie.invoke(function_url()).json()["errorType"] == "SystemExit"


def test_lambdas_timeout(emulator: Start) -> None:
    """With the margin off, Lambda's own timeout ends the process; the next call is served by a new one."""
    rie = emulator("classic", "waiting:by_path", {"AWS_LAMBDA_FUNCTION_TIMEOUT": "1", "EVERLOOP_DEADLINE_MARGIN": "0"})
    assert b"Task timed out after 1.00 seconds" in rie.invoke(function_url("/wait")).body
    assert rie.invoke(function_url()).json()["body"] == "at once"


def test_our_deadline_comes_before_lambdas(emulator: Start) -> None:
    """With the margin the client gets a 504 in time, and the process lives."""
    rie = emulator("classic", "waiting:by_path", {"AWS_LAMBDA_FUNCTION_TIMEOUT": "2"})
    rie.invoke(function_url())  # the emulator's first deadline includes the start
    assert rie.invoke(function_url("/wait")).json()["statusCode"] == 504
    assert rie.invoke(function_url()).json()["body"] == "at once"
    assert len([line for line in rie.process.lines if "is an ASGI application" in line.text]) == 1


def test_absurd_deadline_of_managed_instances(emulator: Start) -> None:
    """The emulator's deadline in Managed Instances mode (years ahead) stops nothing."""
    rie = emulator("managed instances", "answers_with:app", {"AWS_LAMBDA_FUNCTION_TIMEOUT": "3"})
    assert rie.invoke(function_url()).json()["body"] == "hello"


def test_trailers(emulator: Start) -> None:
    """Managed Instances mode understands our error trailers: the caller gets the decoded error and its type."""
    rie = emulator("managed instances", "failing:mid_stream", STREAMING)
    answer = rie.invoke(function_url())
    assert answer.headers["error-type"] == "Function.CourierError"
    assert answer.json()["errorMessage"] == "in mid-stream"
    assert rie.invoke(function_url()).headers["error-type"] == "Function.CourierError"


def test_trailers_of_a_stream_that_is_not_finished(emulator: Start) -> None:
    """The same for an application that returns in mid-stream."""
    rie = emulator("managed instances", "failing:returns_mid_stream", STREAMING)
    assert rie.invoke(function_url()).headers["error-type"] == "Runtime.IncompleteResponse"


def test_sigterm(emulator: Start, mode: str) -> None:
    """The emulator gives a runtime with an internal extension 600 ms between SIGTERM and SIGKILL: the lifespan ends."""
    rie = emulator(mode, "lifespans:telling")
    assert rie.invoke(function_url()).json()["body"] == "told"
    rie.process.signal(signal.SIGTERM)
    rie.process.exit_code(10)
    assert rie.process.logged("the lifespan has ended")


def test_without_extension_there_is_no_sigterm(emulator: Start) -> None:
    """EVERLOOP_EXTENSION=off: the emulator kills at once, as Lambda does."""
    rie = emulator("classic", "lifespans:telling", {"EVERLOOP_EXTENSION": "off"})
    rie.invoke(function_url())
    rie.process.signal(signal.SIGTERM)
    rie.process.exit_code(10)
    assert not rie.process.logged("the lifespan has ended")


def test_text_without_a_line_end_is_seen_at_a_timeout(emulator: Start) -> None:
    """The emulator kills the process; what the handler was doing stands in the log."""
    rie = emulator("classic", "unended.hangs", {"AWS_LAMBDA_FUNCTION_TIMEOUT": "1"})
    rie.invoke({"item": 1})
    rie.process.wait_for_log(r"out \{'item': 1\} \.\.\. ")
    rie.process.wait_for_log(r"err \{'item': 1\} \.\.\. ")
