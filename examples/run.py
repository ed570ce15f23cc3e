"""Runs an example under AWS's own emulator, on this machine: `python3 examples/run.py [EXAMPLE]`, or `make run-rie`.

    this script, curl ── POST event ──► AWS's emulator ◄── GET next event, POST answer ── ./bootstrap: everloop, example

The emulator is AWS's own, so everloop talks here to the same Runtime API as on Lambda. It takes events, not web
requests; `make run` serves those. This script sends an event as a function URL would, shows the answer, and then stays
until Ctrl-C or SIGTERM.
"""

import base64
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

EXAMPLES = Path(__file__).resolve().parent
EVENT = EXAMPLES / "function_url.json"
DELIMITER = b"\0" * 8  # between the prelude and the body of a streamed answer

# First the virtual environment that runs this script: it has the emulator, and the python3 that ./bootstrap looks for.
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


class RunError(Exception):
    """Something that the reader can do something about: shown without a traceback."""


def main() -> int:
    """Start the emulator, invoke the example once, stay until told to stop."""
    example = EXAMPLES / (sys.argv[1] if len(sys.argv) > 1 else "fastapi_stream")
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        port = free_port(9000)
        url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        with start_emulator(example, port, runtime_api_port=free_port(9001)) as emulator:
            try:
                wait_until_listening(emulator, port)
                show(invoke(url))
                print_hints(url)
                status = emulator.wait()
            finally:
                end(emulator)
        raise RunError(f"The emulator ended by itself, with status {status}. Did two calls reach it at once?")
    except RunError as error:
        print(error, file=sys.stderr)
        return 1


def stop(_signal: int, _frame: FrameType | None) -> None:
    """End the script, and on the way out the emulator, when it is told to stop."""
    # Only once: a second signal must not interrupt the way out. make sends one of its own after a Ctrl-C. A function,
    # because Python complains of a signal that it has caught and then finds set to SIG_IGN.
    signal.signal(signal.SIGINT, pass_over)
    signal.signal(signal.SIGTERM, pass_over)
    print("\nStopped.", flush=True)
    raise SystemExit(0)


def pass_over(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing about a signal."""


def end(emulator: subprocess.Popen[bytes]) -> None:
    """End the emulator, by force where two signals at once have made it hang."""
    emulator.terminate()
    try:
        emulator.wait(timeout=5)
    except subprocess.TimeoutExpired:
        emulator.kill()


def free_port(preferred: int) -> int:
    """Return the preferred port, or one that the system picks where something listens there already."""
    for port in (preferred, 0):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(candidate.getsockname()[1])
    raise RunError("No port of 127.0.0.1 is free.")


def start_emulator(example: Path, port: int, *, runtime_api_port: int) -> subprocess.Popen[bytes]:
    """Start AWS's emulator, which starts ./bootstrap when the first event comes."""
    if not (example / "main.py").is_file():
        known = ", ".join(sorted(path.parent.name for path in EXAMPLES.glob("*/main.py")))
        raise RunError(f"There is no example {example.name!r}: expected one of {known}.")
    emulator = shutil.which("aws-lambda-rie", path=PATH)
    if emulator is None:
        raise RunError("The emulator, aws-lambda-rie, is not in the virtual environment: `make run-rie` puts it there.")
    command = [
        emulator,
        *("--log-level", "error"),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{runtime_api_port}"),
        *(str(EXAMPLES.parent / "bootstrap"), "main:app"),
    ]
    environment = os.environ | {"PATH": PATH, "LAMBDA_TASK_ROOT": str(example)}
    # In a session of its own, so that Ctrl-C reaches this script alone, which then ends the rest in order.
    return subprocess.Popen(command, cwd=example, env=environment, start_new_session=True)


def wait_until_listening(emulator: subprocess.Popen[bytes], port: int) -> None:
    """Return when the emulator takes connections."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if emulator.poll() is not None:
            raise RunError(f"The emulator ended with status {emulator.returncode} before it took an event.")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RunError(f"The emulator does not listen on port {port} after ten seconds.")


def invoke(url: str) -> bytes:
    """Send the sample event and return what the runtime answered."""
    request = urllib.request.Request(url, data=EVENT.read_bytes())
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return bytes(response.read())
    except urllib.error.HTTPError as error:  # the runtime could not start; the body says why
        return error.read()
    except OSError as error:
        raise RunError(f"The emulator did not answer: {error}") from error


def show(answer: bytes) -> None:
    """Print an answer as a web client would see it."""
    head, _, body = answer.partition(DELIMITER)
    try:
        envelope = json.loads(head)
    except ValueError:
        envelope = {}
    if "statusCode" not in envelope:
        raise RunError(f"The invocation failed:\n{answer.decode(errors='backslashreplace')}")
    if "body" in envelope:  # buffered: the body is a field, as text or as base64
        body = envelope["body"].encode()
        if envelope.get("isBase64Encoded"):
            body = base64.b64decode(body)
    event = json.loads(EVENT.read_bytes())
    print(f"\n{event['requestContext']['http']['method']} {event['rawPath']}?{event['rawQueryString']}")
    print(f"-> {envelope['statusCode']}")
    for name, value in envelope.get("headers", {}).items():
        print(f"   {name}: {value}")
    print(f"\n{body.decode(errors='backslashreplace')}\n")


def print_hints(url: str) -> None:
    """Say what can be tried while the example stays up."""
    print("It stays up until Ctrl-C. To send the event again, or one of your own:\n")
    print(f"  curl {url} --data {shlex.quote(f'@{EVENT}')}\n")
    print("One call at a time: this emulator crashes when two overlap.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
