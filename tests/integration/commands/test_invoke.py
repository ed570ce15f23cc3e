"""`everloop invoke` and `everloop event`: one invocation, and what to invoke with."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.dev_server import COMMAND, PATIENCE, UNHURRIED
from support.gates import Gates
from support.process import APPS, runtime_environment
from support.sample_events import function_url


def run(
    *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, cwd: Path = APPS
) -> subprocess.CompletedProcess[bytes]:
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments, *(UNHURRIED if arguments[0] == "invoke" else ())],
        input=stdin,
        capture_output=True,
        env={**runtime_environment(cwd), **(env or {})},
        cwd=cwd,
        timeout=PATIENCE,
        check=False,
    )


def test_the_answer_is_the_output_and_the_log_is_not(tmp_path: Path) -> None:
    """What Lambda would return, on standard output; what the runtime says, and the REPORT line, on the other."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps(function_url("/greeting", query="name=Lambda")), encoding="utf-8")

    done = run("invoke", "fastapi_app:app", str(event))

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["statusCode"] in (200, 404)
    assert b"is an ASGI application" in done.stderr
    assert b"REPORT #1 " in done.stderr


def test_an_event_comes_out_of_standard_input() -> None:
    """As from `everloop event`."""
    done = run("invoke", "plain.echo", "-", stdin=b'{"number": 12345678901234567890, "word": "\xc3\xa9"}')

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["event"] == {"number": 12345678901234567890, "word": "é"}


def test_a_failed_invocation_is_exit_code_1() -> None:
    """Its error is the output, as Lambda returns it beside X-Amz-Function-Error."""
    done = run("invoke", "plain.fail", "-", stdin=b"{}")

    assert done.returncode == 1
    error = json.loads(done.stdout)
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "broken on purpose")
    assert b"The invocation failed: Function.ValueError: broken on purpose" in done.stderr


def test_a_function_that_does_not_start_is_exit_code_1() -> None:
    """The error of the start is the output."""
    done = run("invoke", "nowhere:app", "-", stdin=b"{}")

    assert done.returncode == 1
    assert json.loads(done.stdout)["errorType"] == "Runtime.ImportModuleError"
    assert b"nowhere:app did not start: Runtime.ImportModuleError" in done.stderr


def test_a_timeout_is_exit_code_1(gates: Gates) -> None:
    """The function is ended, and nothing waits for it."""
    event = json.dumps(function_url("/")).encode()
    env = {**gates.env, "EVERLOOP_DEADLINE_MARGIN": "0"}

    done = run("invoke", "streaming:gated", "-", "--timeout", "0.5", stdin=event, env=env)

    assert done.returncode == 1
    assert json.loads(done.stdout)["errorType"] == "Sandbox.Timedout"


def test_a_streamed_answer_is_prelude_and_body(gates: Gates) -> None:
    """As InvokeWithResponseStream gives it."""
    gates.open("first", "second", "end")
    event = json.dumps(function_url("/")).encode()

    done = run("invoke", "streaming:gated", "-", "--mode", "streaming", stdin=event, env=gates.env)

    assert done.returncode == 0, done.stderr
    prelude, delimiter, body = done.stdout.partition(b"\0" * 8)
    assert json.loads(prelude)["statusCode"] == 200
    assert delimiter
    assert body == b"onetwo"


def test_work_after_the_response_is_part_of_the_invocation(gates: Gates) -> None:
    """It is waited for, as the environment's next poll is."""
    event = json.dumps(function_url("/")).encode()
    command = [*COMMAND, "invoke", *UNHURRIED, "waiting:background", "-"]
    environ = {**runtime_environment(APPS), **gates.env}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environ, cwd=APPS) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(event)
        process.stdin.close()
        assert json.loads(process.stdout.readline())["body"] == "done"  # the caller has it already
        assert process.poll() is None
        gates.open("background")
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert b"background ends" in process.stderr.read()


@pytest.mark.parametrize("source", ["function-url", "rest", "alb", "lattice"])
def test_a_printed_event_can_be_invoked_with(source: str) -> None:
    """Method, path, query, headers and body arrive in the application."""
    options = ("-X", "PUT", "--path", "/items/1", "--query", "a=b", "-H", "X-One: two", "--body", "hello")
    printed = run("event", source, *options)
    assert printed.returncode == 0, printed.stderr

    done = run("invoke", "echo:app", "-", stdin=printed.stdout)

    assert done.returncode == 0, done.stderr
    seen = json.loads(json.loads(done.stdout)["body"])
    assert seen["body"] == "hello"
    assert (seen["scope"]["method"], seen["scope"]["path"]) == ("PUT", "/items/1")
    assert seen["scope"]["query_string"] == "a=b"
    assert ["x-one", "two"] in seen["scope"]["headers"]
