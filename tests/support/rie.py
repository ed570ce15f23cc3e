"""AWS's real runtime interface emulator: where it is found, and how it is started in its two modes."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.process import APPS, BOOTSTRAP, ROOT, RuntimeProcess, runtime_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INVOCATIONS = "/2015-03-31/functions/function/invocations"
NAME = "aws-lambda-rie"


class Unavailable(Exception):
    """The emulator, or what it needs, is not here; the message says why."""


@dataclass(frozen=True)
class Answer:
    """What the emulator gave its caller."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def find() -> Path:
    """The emulator's binary: out of `TEST_EVERLOOP_RIE`, beside Python, on PATH, or fetched into `.cache`."""
    if chosen := os.environ.get("TEST_EVERLOOP_RIE"):
        return Path(chosen)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if found := shutil.which(NAME, path=path):
        return Path(found)
    cached = ROOT / ".cache" / NAME
    fetch = ROOT / "requirements" / "fetch_rie.py"
    if not cached.exists():
        if not fetch.exists():
            raise Unavailable("AWS's emulator is not here: set TEST_EVERLOOP_RIE to its path")
        done = subprocess.run([sys.executable, fetch, cached], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"AWS's emulator cannot be fetched: {done.stderr.strip()[-300:]}")
    return cached


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Rie:
    """A running emulator. `process` is the emulator, and its log has what the runtime writes as well."""

    def __init__(self, process: RuntimeProcess, port: int) -> None:
        self.process = process
        self._port = port

    def invoke(self, event: Any, *, timeout: float = 20.0) -> Answer:
        """Invoke the function, one call at a time: a second one at once kills the emulator's classic mode.

        Managed Instances mode turns calls away while no poll waits, and Lambda would go elsewhere: here we ask again.
        """
        deadline = time.monotonic() + timeout
        while True:
            answer = self._post(event, timeout)
            if answer.headers.get("error-type") != "Runtime.Unavailable" or time.monotonic() > deadline:
                return answer
            time.sleep(0.01)

    def _post(self, event: Any, timeout: float) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        with contextlib.closing(connection):
            connection.request("POST", INVOCATIONS, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())

    def wait_until_ready(self, timeout: float = 10.0) -> None:
        """Wait until the emulator accepts connections."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except ConnectionRefusedError:
                if time.monotonic() > deadline or not self.process.running():
                    raise TimeoutError(f"the emulator does not listen. Log:\n{self.process.log}") from None
                time.sleep(0.01)
            else:
                return


def options(port: int) -> list[str]:
    """The emulator's own arguments: a port for callers, a free one for the Runtime API."""
    return [
        "--runtime-interface-emulator-address",
        f"127.0.0.1:{port}",
        "--runtime-api-address",
        f"127.0.0.1:{free_port()}",
    ]


@contextlib.contextmanager
def classic(handler: str, env: Mapping[str, str] | None = None) -> Iterator[Rie]:
    """The emulator as it plays an ordinary function: it starts `bootstrap HANDLER` at the first invocation."""
    port = free_port()
    command = [str(find()), *options(port), str(BOOTSTRAP), handler]
    yield from _running(command, {**runtime_environment(), **(env or {})}, port)


@contextlib.contextmanager
def managed_instances(handler: str, env: Mapping[str, str] | None = None) -> Iterator[Rie]:
    """The emulator as it plays Managed Instances: it runs /var/runtime/bootstrap in /var/task as user 993.

    Both paths exist in a private mount namespace only: nothing of the machine is changed.
    """
    emulator = find()
    if os.geteuid() != 0:
        raise Unavailable("Managed Instances mode needs root: the emulator changes the user")
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        raise Unavailable("Managed Instances mode needs a mount namespace, which is not allowed here")
    port = free_port()
    visible = [ROOT, Path(sys.prefix), Path(sys.base_prefix)]
    closed = sorted({"/var", *(str(root) for path in visible if (root := closed_to_others(path)))})
    command = ["unshare", "-m", "sh", "-c", NAMESPACE, "sh", " ".join(closed), " ".join(map(str, visible))]
    settings = {
        **runtime_environment(Path("/var/task")),
        "APPS": str(APPS),
        "BOOTSTRAP": str(BOOTSTRAP),
        "AWS_LAMBDA_MAX_CONCURRENCY": "1",
        "_HANDLER": handler,
        "AWS_LAMBDA_FUNCTION_HANDLER": handler,
        **(env or {}),
    }
    yield from _running([*command, str(emulator), *options(port)], settings, port)


# Puts what user 993 must read where that user can reach it, and the function where Lambda has it. All mounts are
# private to the namespace; /mnt keeps what is bound while the folders above it are covered.
NAMESPACE = """
set -eu
umask 022
closed=$1 visible=$2
shift 2
mount -t tmpfs -o mode=755 tmpfs /mnt
number=0
for path in $visible; do
    number=$((number + 1))
    mkdir "/mnt/$number"
    mount --bind "$path" "/mnt/$number"
done
cp "$BOOTSTRAP" /mnt/bootstrap
mkdir /mnt/task
mount --bind "$APPS" /mnt/task
for path in $closed; do
    mount -t tmpfs -o mode=755 tmpfs "$path"
done
number=0
for path in $visible; do
    number=$((number + 1))
    mkdir -p "$path"
    mount --bind "/mnt/$number" "$path"
done
mkdir -p /var/runtime /var/task
cp /mnt/bootstrap /var/runtime/bootstrap
mount --bind /mnt/task /var/task
cd /var/task
exec "$@"
"""


def closed_to_others(path: Path) -> Path | None:
    """The topmost folder on the way that other users may not enter."""
    for folder in [*reversed(path.parents), path]:
        if not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None


def _running(command: list[str], env: Mapping[str, str], port: int) -> Iterator[Rie]:
    process = RuntimeProcess(command, env=env, cwd=APPS)
    try:
        emulator = Rie(process, port)
        emulator.wait_until_ready()
        yield emulator
    finally:
        # The emulator ends the runtime, which it has started in a session of its own.
        process.signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            process.exit_code(5)
        process.end()
        print(f"Log of the emulator:\n{process.log}")
