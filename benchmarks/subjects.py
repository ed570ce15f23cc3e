"""Who is measured: one command and environment for each."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from benchmarks.referee import LIMIT, ROOT, BenchmarkError

APPS = "benchmarks.apps"


@dataclass(frozen=True, slots=True)
class Subject:
    """A client with an application."""

    name: str
    command: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict, hash=False)

    def environ(self) -> dict[str, str]:
        """What Lambda would set, and the way to this Python: nothing else of the caller's environment."""
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
            "PYTHONPATH": str(ROOT / "runtime"),
            "LANG": "C.UTF-8",
            "LAMBDA_TASK_ROOT": str(ROOT),
            "AWS_REGION": "us-east-1",
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
            "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
            **self.settings,
        }


def everloop(module: str, title: str, attribute: str = "app", **settings: str) -> Subject:
    """Give an application under everloop's own bootstrap."""
    return Subject(f"everloop, {title}", (str(ROOT / "bootstrap"), f"{APPS}.{module}:{attribute}"), settings)


def least(module: str, title: str) -> Subject:
    """Give an application under the least that a client in Python can be."""
    return Subject(f"the least in Python, {title}", (sys.executable, "-m", f"{APPS}.least", f"{APPS}.{module}:app"))


def awslambdaric(module: str, title: str, **settings: str) -> Subject:
    """Give a handler under AWS's client."""
    command = (sys.executable, "-m", "awslambdaric", f"{APPS}.{module}.handler")
    return Subject(f"awslambdaric{title}", command, settings)


EVERLOOP_BARE = everloop("bare", "bare ASGI")
EVERLOOP_STARLETTE = everloop("on_starlette", "Starlette")
EVERLOOP_FASTAPI = everloop("on_fastapi", "FastAPI")
EVERLOOP_FLASK = everloop("on_flask", "Flask")
EVERLOOP_PLAIN = everloop("plain", "plain handler", "handler")
EVERLOOP_PLAIN_ASYNC = everloop("plain_async", "plain async handler", "handler")
EVERLOOP_STREAM = everloop("stream", "bare ASGI", EVERLOOP_RESPONSE_MODE="streaming")
MANGUM_BARE = awslambdaric("bare_mangum", " + Mangum, bare ASGI")
MANGUM_STARLETTE = awslambdaric("on_starlette_mangum", " + Mangum, Starlette")
MANGUM_FASTAPI = awslambdaric("on_fastapi_mangum", " + Mangum, FastAPI")
APIG_FLASK = awslambdaric("on_flask_apig", " + apig-wsgi, Flask")
PLAIN = awslambdaric("plain", ", plain handler")
LEAST_BARE = least("bare", "bare ASGI")
FLOOR = Subject("the floor: a loop in C", (str(LIMIT),))
UVLOOP_STREAM = Subject("a bare uvloop protocol", (sys.executable, "-m", f"{APPS}.stream_bare"))


REQUIRED = ("awslambdaric", "mangum", "starlette", "fastapi", "uvloop", "flask", "apig_wsgi")


def check_installed() -> None:
    """Raise `BenchmarkError` when something is missing that the subjects need."""
    missing = [name for name in REQUIRED if find_spec(name) is None]
    if missing:
        raise BenchmarkError(f"Not installed: {', '.join(missing)}. Run: {sys.executable} -m pip install -e '.[bench]'")
    if shutil.which("python3", path=str(Path(sys.executable).parent)) is None:
        raise BenchmarkError(f"bootstrap runs python3, and there is none beside {sys.executable}: use a virtual env")
