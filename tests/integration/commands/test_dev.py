"""`everloop dev` from its first line to its last: what a user sees in the terminal and gets over the port."""

import contextlib
import os
import pty
import re
import select
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from support.dev_server import COMMAND, PATIENCE, UNHURRIED, DevServers
from support.gates import Gates
from support.process import APPS, RuntimeProcess, runtime_environment

GATED = ("streaming:gated", "--mode", "streaming")


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(process) for process in listed.split()]


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_every_door_is_on_one_port(serve: DevServers) -> None:
    """The application, AWS's Invoke API, the inspector and its API."""
    server = serve("echo:app")

    assert server.get("/greeting").status_code == 200
    event = {"rawPath": "/x", "version": "2.0", "requestContext": {"http": {"method": "GET"}}}
    invoked = server.client.post("/2015-03-31/functions/function/invocations", json=event)
    assert invoked.status_code == 200
    assert "statusCode" in invoked.json() or "errorType" in invoked.json()
    assert server.get("/_everloop/").headers["content-type"].startswith("text/html")
    assert server.get("/_everloop").is_redirect
    facts = server.get("/_everloop/api/function").json()
    assert (facts["handler"], facts["source"], facts["streaming"]) == ("echo:app", "function-url", False)
    log = server.process.log
    for line in ("echo:app", f"curl -N {server.origin}/", server.inspector, f'endpoint_url="{server.origin}"'):
        assert line in log


def test_one_report_line_for_each_invocation(serve: DevServers) -> None:
    """Status, duration, first byte, bytes, memory, and the start where there was one."""
    server = serve("echo:app")

    server.get("/a?b=c")
    server.get("/second")

    first, second = server.process.wait_for_logs(r"^REPORT ", 2, PATIENCE)
    number = r"\d+(\.\d+)?"
    assert first.text.startswith("REPORT #1 GET /a?b=c  200  ")
    pattern = rf"{number} m?s  first byte {number} m?s  {number} k?B  {number} MB"
    assert re.search(rf"  200  {pattern}  init {number} m?s$", first.text), first.text
    assert re.search(rf"^REPORT #2 GET /second  200  {pattern}$", second.text), second.text


def test_one_report_line_for_each_event_of_a_websocket(serve: DevServers) -> None:
    """Failures among them; a refused handshake is nothing that the web server would have to complain about."""
    server = serve("websocket_app:app")
    url = f"ws{server.origin.removeprefix('http')}/"
    for query in ("?token=wrong", "?do=raise"):
        with pytest.raises(InvalidStatus), connect(f"{url}{query}", open_timeout=PATIENCE, proxy=None):
            pass
    with connect(url, open_timeout=PATIENCE, proxy=None) as client:
        client.send("raise")
        client.send("one\ntwo\x1b[2J")
        assert client.recv(PATIENCE) == "echo one\ntwo\x1b[2J"

    server.process.wait_for_log(r"^REPORT #1 \$connect /\?token=wrong  403  ", PATIENCE)
    server.process.wait_for_log(r"^REPORT #2 \$connect /\?do=raise  500  ", PATIENCE)
    server.process.wait_for_log(r"^REPORT #3 \$connect /  200  ", PATIENCE)
    server.process.wait_for_log(r"^REPORT #4 \$default raise  500  ", PATIENCE)
    server.process.wait_for_log(r"^REPORT #5 \$default one\\ntwo\\x1b\[2J  200  ", PATIENCE)
    server.process.wait_for_log(r"^REPORT #6 \$disconnect 1000  200  ", PATIENCE)
    assert server.process.logged("ASGI callable") == []


def test_lines_of_the_runtime_are_passed_on_as_they_come(serve: DevServers, gates: Gates) -> None:
    """Before the response is complete, and with their line ends."""
    server = serve(*GATED, env=gates.env)

    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        server.process.wait_for_log("^start sent$", PATIENCE)  # the head alone is not sent: the client has nothing yet
        gates.open("first", "second", "end")
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.endswith(b"\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


def test_a_stream_arrives_piece_by_piece(serve: DevServers, gates: Gates) -> None:
    """The second piece is not made before the first has arrived."""
    server = serve(*GATED, env=gates.env)
    gates.open("first")

    with server.client.stream("GET", "/") as response:
        pieces = response.iter_raw()
        assert next(pieces) == b"one"
        gates.open("second")
        assert next(pieces) == b"two"
        gates.open("end")
        assert list(pieces) == []


BLOCKED = """
import signal

def handler(event, context):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    print("it blocks", flush=True)
    while True:
        pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything(serve: DevServers, gates: Gates, number: signal.Signals) -> None:
    """Exit code 0, no traceback, nothing that listens, nothing that runs: with a request and a page still open."""
    server = serve(*GATED, "--environments", "2", env=gates.env)
    with (
        socket.create_connection(("127.0.0.1", server.port)) as waiting,
        server.client.stream("GET", "/_everloop/api/stream") as page,
    ):
        waiting.sendall(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        assert next(page.iter_text()).startswith("event: snapshot")
        deadline = time.monotonic() + PATIENCE
        while server.get("/_everloop/api/invocations/1").json().get("state") != "running":
            assert time.monotonic() < deadline
        started = children(server.process.pid)
        assert started

        server.process.signal(number)
        assert server.process.exit_code(PATIENCE) == 0

    assert server.process.log.rstrip().endswith("Stopped.")
    assert "Traceback" not in server.process.log
    assert not [pid for pid in started if is_running(pid)]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)


def test_a_second_signal_ends_what_blocks(serve: DevServers, tmp_path: Path) -> None:
    """Two quick Ctrl-Cs leave nothing behind, not even a function that hears no signal."""
    (tmp_path / "main.py").write_text(BLOCKED, encoding="utf-8")
    server = serve("main.handler", root=tmp_path)
    with socket.create_connection(("127.0.0.1", server.port)) as waiting:
        waiting.sendall(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        server.process.wait_for_log("^it blocks$", PATIENCE)
        [child] = children(server.process.pid)

        server.process.signal(signal.SIGINT)
        server.process.signal(signal.SIGTERM)  # another number, since two of one may be heard as one
        server.process.exit_code(PATIENCE)

    deadline = time.monotonic() + 5
    try:
        while is_running(child):
            assert time.monotonic() < deadline, "the function's process goes on"
            time.sleep(0.01)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def test_a_port_in_use_is_told(serve: DevServers) -> None:
    """By what to do, without a traceback, and before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = serve.start("echo:app", port=port)
        assert process.exit_code(PATIENCE) == 1
    assert process.log.count("\n") == 0
    assert process.log.startswith(f"everloop: Port {port} of 127.0.0.1 is in use")
    assert f"--port {port + 1}" in process.log
    assert f"lsof -i :{port}" in process.log


def test_a_malformed_env_file_is_told_by_its_line(serve: DevServers, tmp_path: Path) -> None:
    """Name, line, and what stands there."""
    file = tmp_path / "dev.env"
    file.write_text("A=1\n\nwhat is this\n", encoding="utf-8")
    process = serve.start("echo:app", "--env-file", str(file))

    assert process.exit_code(PATIENCE) == 2
    assert f"{file}, line 3: expected NAME=value, found 'what is this'" in process.log


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        ("nowhere:app", "Runtime.ImportModuleError"),
        ("echo:apq", "Runtime.HandlerNotFound"),
        ("echo", "Runtime.MalformedHandlerName"),
    ],
)
def test_a_wrong_handler_is_told_in_the_terminal_and_in_the_browser(serve: DevServers, handler: str, said: str) -> None:
    """It stays up, since the next save may mend it."""
    server = serve(handler, ready=False)

    server.process.wait_for_log(f"^{handler} did not start: {said}: ", PATIENCE)
    server.process.wait_for_log("^Waiting for a change that mends it", PATIENCE)
    page = server.get("/", accept="text/html")
    assert page.status_code == 502
    assert said in page.text
    assert server.interrupt() == 0


def test_a_wrong_handler_without_reload_ends_the_command(serve: DevServers) -> None:
    """Nobody would mend it: exit code 1."""
    process = serve.start("nowhere:app", "--no-reload")

    assert process.exit_code(PATIENCE) == 1
    assert "nowhere:app did not start: Runtime.ImportModuleError" in process.log


def test_several_environments_say_whose_line_it_is(serve: DevServers, gates: Gates) -> None:
    """The number of the environment stands before what it wrote."""
    server = serve(*GATED, "--environments", "2", env=gates.env)
    gates.open("first", "second", "end")

    assert server.get("/").content == b"onetwo"
    server.process.wait_for_log("^1 │ start sent$", PATIENCE)


@pytest.mark.parametrize(
    ("arguments", "env", "streaming"),
    [
        ([], {}, False),
        ([], {"EVERLOOP_RESPONSE_MODE": "streaming"}, True),
        (["--env", "EVERLOOP_RESPONSE_MODE=streaming"], {}, True),
        (["--mode", "buffered"], {"EVERLOOP_RESPONSE_MODE": "streaming"}, False),
    ],
)
def test_the_mode_is_what_the_environment_says_unless_told_otherwise(
    serve: DevServers, arguments: list[str], env: dict[str, str], streaming: bool
) -> None:
    """Buffered as on Lambda; and the runtime is told the same as the front end."""
    server = serve("echo:app", *arguments, env=env)

    assert server.get("/_everloop/api/function").json()["streaming"] is streaming
    server.process.wait_for_log(f"responses {'streaming' if streaming else 'buffered'}", PATIENCE)


ENVIRONMENT = """
import json, os

async def app(scope, receive, send):
    assert scope["type"] == "http"
    body = json.dumps({name: os.environ.get(name) for name in ("A", "B", "C", "AWS_LAMBDA_FUNCTION_NAME")})
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body.encode()})
"""


def test_the_functions_environment_comes_from_files_and_options(serve: DevServers, tmp_path: Path) -> None:
    """Options over files over what is inherited."""
    (tmp_path / "main.py").write_text(ENVIRONMENT, encoding="utf-8")
    (tmp_path / "dev.env").write_text("A=file\nB='file'  # quoted\n", encoding="utf-8")
    given = ("--env-file", "dev.env", "--env", "A=option", "--name", "mine")

    server = serve("main:app", *given, root=tmp_path, env={"A": "shell", "B": "shell", "C": "shell"})

    assert server.get("/").json() == {"A": "option", "B": "file", "C": "shell", "AWS_LAMBDA_FUNCTION_NAME": "mine"}


@pytest.mark.parametrize(
    ("method", "path", "signed"),
    [
        ("GET", "/2015-03-31/functions", False),
        ("GET", "/2018-10-31/layers", True),
        ("GET", "/2021-10-31/functions/function/url", True),
        ("POST", "/2014-11-13/functions/function/invoke-async/", True),
    ],
)
def test_other_operations_of_lambda_are_no_requests_to_the_application(
    serve: DevServers, method: str, path: str, *, signed: bool
) -> None:
    """An SDK must not take the application's answer for Lambda's; a browser's request for such a path is its own."""
    server = serve("echo:app")
    scope = "AWS4-HMAC-SHA256 Credential=AKIA/20261129/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"

    refused = server.client.request(method, path, headers={"authorization": scope} if signed else {})

    assert refused.status_code == 404
    assert refused.headers["x-amzn-errortype"] == "UnknownOperationException"
    if signed:
        assert server.client.request(method, path).status_code == 200


FOREIGN = {"origin": "https://elsewhere.example"}
INVOKE = "/2015-03-31/functions/function/invocations"
SEND = "/_everloop/api/invocations"


@pytest.mark.parametrize("path", [INVOKE, SEND])
@pytest.mark.parametrize(
    "headers",
    [FOREIGN, {"sec-fetch-site": "cross-site"}, {"origin": "http://elsewhere.example", "host": "elsewhere.example"}],
    ids=["another origin", "another site", "rebound name"],
)
def test_a_page_of_another_site_runs_no_code(serve: DevServers, path: str, headers: dict[str, str]) -> None:
    """Neither across origins nor by its own name pointed at this machine: 403, and nothing is invoked."""
    server = serve("echo:app")

    refused = server.client.post(path, json={"event": {}}, headers=headers)

    assert refused.status_code == 403
    assert "another site" in refused.json()["error"]
    assert server.get("/_everloop/api/invocations/1").status_code == 404


def test_what_the_inspector_knows_is_for_no_other_name(serve: DevServers) -> None:
    """Reading needs the right name, too; a name that was allowed is right."""
    server = serve("echo:app", "--allow-host", "lambda.test")

    assert server.client.get("/_everloop/api/function", headers={"host": "elsewhere.example"}).status_code == 403
    assert server.client.get("/_everloop/api/function", headers={"host": "lambda.test:9000"}).status_code == 200
    assert server.client.get("/_everloop/api/function", headers={"host": f"localhost:{server.port}"}).status_code == 200


def test_programs_may_invoke_by_any_name(serve: DevServers) -> None:
    """As from another container, where the server has a name of its own."""
    server = serve("plain.echo")

    answer = server.client.post(INVOKE, json={"a": 1}, headers={"host": "lambda:9000"})

    assert answer.json()["event"] == {"a": 1}


def test_a_terminal_gets_colours_and_a_progress_line(gates: Gates) -> None:
    """While a stream runs a line tells how far it is, and makes room for the REPORT line."""
    gates.open("first")
    ours, theirs = pty.openpty()
    environ = {**runtime_environment(APPS), **gates.env, "TERM": "xterm"}
    command = [*COMMAND, "dev", *UNHURRIED, *GATED, "--root", str(APPS), "--port", "0", "--no-reload"]
    process = TerminalProcess(command, environ, ours, theirs)
    try:
        url = process.wait_for(rb"browse  .*?http://127\.0\.0\.1:(\d+)/")
        port = int(url)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /slow HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
            process.wait_for(rb"\r\x1b\[K\x1b\[2m#1 GET /slow  \d+ B  ([\d.]+) m?s \xe2\x80\xa6")
            gates.open("second", "end")
            process.wait_for(rb"\r\x1b\[K\x1b\[1m(REPORT)\x1b\[0m #1 GET /slow  \x1b\[32m200\x1b\[0m")
        os.write(ours, b"\x03")  # Ctrl-C, as a terminal sends it
        process.wait_for(rb"(Stopped)\.")
        assert process.exit_code() == 0
    finally:
        process.close()


class TerminalProcess:
    """A process whose terminal is the test."""

    def __init__(self, command: list[str], environ: dict[str, str], ours: int, theirs: int) -> None:
        self._ours = ours
        self._seen = b""
        self._pid = os.posix_spawn(
            "/usr/bin/setsid",
            ["setsid", "--ctty", "--wait", *command],
            environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, theirs, fd) for fd in (0, 1, 2)],
        )
        os.close(theirs)
        self._code: int | None = None

    def wait_for(self, pattern: bytes) -> str:
        """Read until the pattern is found; give its group."""
        deadline = time.monotonic() + PATIENCE
        while (found := re.search(pattern, self._seen, re.DOTALL)) is None:
            ready, _, _ = select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"no {pattern!r} in {self._seen!r}")
            try:
                self._seen += os.read(self._ours, 65536)
            except OSError as error:
                raise TimeoutError(f"no {pattern!r} in {self._seen!r}") from error
        return found[1].decode()

    def exit_code(self) -> int:
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._code

    def close(self) -> None:
        if self._code is None:
            os.kill(self._pid, signal.SIGTERM)
            os.waitpid(self._pid, 0)
        os.close(self._ours)


def test_no_colours_where_nobody_watches(serve: DevServers) -> None:
    """In a file, escape sequences are noise."""
    server = serve("echo:app")
    server.get("/")
    server.process.wait_for_log("^REPORT", PATIENCE)

    assert "\033" not in server.process.log


@pytest.mark.parametrize("missing", ["click", "uvicorn", "starlette", "watchfiles"])
def test_a_missing_extra_is_told_in_one_line(missing: str) -> None:
    """What is missing, and how to get it."""
    program = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv = ['everloop', 'dev', 'echo:app', '--port', '0'];"
        "from everloop.dev.cli import main; sys.exit(main())"
    )
    process = RuntimeProcess([sys.executable, "-c", program], env=runtime_environment(), cwd=APPS)
    try:
        assert process.exit_code(PATIENCE) == 1
    finally:
        process.end()
    expected = f"everloop: this command needs {missing}, which is not installed: pip install 'everloop[dev]'"
    assert process.log == expected
