"""`make run-rie` from its first line to Ctrl-C: the example under AWS's emulator, on this machine."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.run import ROOT, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCRIPT = [sys.executable, str(ROOT / "examples" / "run.py")]
READY = "One call at a time"
"""How the last line begins that it prints before it waits."""

pytestmark = [
    pytest.mark.rie,
    pytest.mark.skipif(
        not shutil.which("aws-lambda-rie", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"),
        reason="AWS's emulator is not here: `make test` fetches it",
    ),
]


@pytest.fixture
def run() -> Iterator[Run]:
    """A run that is ready and has shown its first answer."""
    started = Run(SCRIPT, READY)
    try:
        started.wait_until_ready()
        yield started
    finally:
        started.close()


def test_it_shows_the_answer_of_a_real_event(run: Run) -> None:
    """Status, headers and body are printed as a web client would see them."""
    assert "GET /greeting?name=Lambda\n-> 200\n" in run.output
    assert "   content-type: application/json\n" in run.output
    assert '\n{"message":"Hello, Lambda!"}\n' in run.output


def test_the_curl_line_works(run: Run) -> None:
    """What it prints to copy is complete: address and event."""
    _, url, option, event = curl_line(run.output)
    assert option == "--data"
    content = Path(event.removeprefix("@")).read_bytes()
    with urllib.request.urlopen(url, data=content, timeout=20) as answer:
        assert json.load(answer)["statusCode"] == 200


def curl_line(output: str) -> list[str]:
    """Find the curl line in the output, split as a shell would."""
    found = re.search(r"^  (curl .*)$", output, re.MULTILINE)
    assert found is not None, output
    return shlex.split(found[1])


@pytest.mark.parametrize("stop", [Run.interrupt, Run.terminate], ids=["ctrl-c", "sigterm"])
def test_it_ends_without_a_trace(run: Run, stop: Callable[[Run], None]) -> None:
    """Exit code 0, no traceback, nothing left that listens."""
    port = int(curl_line(run.output)[1].split(":")[2].split("/")[0])
    stop(run)
    assert run.exit_code() == 0
    assert run.output.rstrip().endswith("Stopped.")
    assert "Traceback" not in run.output
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_taken_ports_are_avoided(run: Run) -> None:
    """Two can run side by side."""
    second = Run(SCRIPT, READY)
    try:
        assert curl_line(second.wait_until_ready())[1] != curl_line(run.output)[1]
    finally:
        second.close()


def test_an_example_that_does_not_exist_is_named() -> None:
    """And those that do are listed."""
    run = Run([*SCRIPT, "nowhere"], READY)
    assert run.exit_code() == 1
    examples = sorted(path.parent.name for path in (ROOT / "examples").glob("*/main.py"))
    assert {"fastapi_stream", "hello"} <= set(examples)
    assert run.output == f"There is no example 'nowhere': expected one of {', '.join(examples)}.\n"


def test_an_application_that_does_not_start_is_shown(tmp_path: Path) -> None:
    """The emulator's answer says why, and there is nothing to stay up for."""
    (tmp_path / "main.py").write_text("import nowhere\n", encoding="utf-8")
    run = Run([*SCRIPT, str(tmp_path)], READY)
    assert run.exit_code() == 1
    assert "Runtime.ImportModuleError" in run.output
    assert "Traceback" not in run.output.split("The invocation failed:")[1]


def test_an_emulator_that_dies_is_told(run: Run) -> None:
    """Two calls at once crash AWS's emulator; the script does not stay up without it."""
    (emulator,) = run.children()
    os.kill(emulator, signal.SIGKILL)
    assert run.exit_code() == 1
    assert "The emulator ended by itself" in run.output


@pytest.mark.skipif(not (Path(sys.prefix) / ".ready").exists(), reason="this environment was not made by make")
@pytest.mark.parametrize("stop", [Run.interrupt, Run.terminate], ids=["ctrl-c", "sigterm"])
def test_make_hands_signals_on(stop: Callable[[Run], None]) -> None:
    """`make run-rie` is that script: the signals that make gets end it, too."""
    run = Run(["make", "--no-print-directory", "run-rie", f"VENV={sys.prefix}", "APP=hello"], READY)
    try:
        assert "\nHello, Lambda!\n" in run.wait_until_ready()
        stop(run)
        run.exit_code()
        assert run.output.rstrip().endswith("Stopped.")
        assert "Traceback" not in run.output
    finally:
        run.close()
