"""What the entry may load: every module is paid for at every cold start."""

import subprocess
import sys
from pathlib import Path

import pytest

import everloop

RUNTIME = Path(everloop.__file__).parent.parent

FORBIDDEN = (
    "a2wsgi",
    "argparse",
    "awslambdaric.bootstrap",
    "awslambdaric.lambda_runtime_client",
    "awslambdaric.lambda_runtime_marshaller",
    "boto3",
    "botocore",
    "concurrent.futures.process",
    "concurrent.futures.thread",
    "difflib",
    "email",
    "everloop.dev",
    "everloop.handlers.function",
    "everloop.handlers.threads",
    "everloop.wsgi",
    "http.client",
    "http.server",
    "importlib.metadata",
    "json.tool",
    "logging.config",
    "logging.handlers",
    "multiprocessing",
    "pathlib",
    "pydantic",
    "simplejson",
    "snapshot_restore_py",
    "starlette",
    "typing_extensions",
    "unittest",
    "urllib.request",
    "xml",
)
"""Modules that cost milliseconds and serve no invocation."""

FOREIGN_BUDGET = 25
"""Modules of others, beyond those that asyncio, uvloop and logging load by themselves (orjson brings a dozen)."""

OWN_BUDGET = 83
"""Modules of everloop: a dozen of small files more cost a millisecond."""

PROGRAM = """
import sys
{before}
before = set(sys.modules)
import everloop.__main__
print("\\n".join(sorted(set(sys.modules) - before)))
"""


def loaded(before: str = "") -> list[str]:
    """Import the entry in a fresh process and list the modules that came with it."""
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; sys.path.insert(0, {str(RUNTIME)!r})\n" + PROGRAM.format(before=before),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(scope="module")
def modules() -> list[str]:
    return loaded()


@pytest.mark.parametrize("name", FORBIDDEN)
def test_the_entry_does_not_load(name: str, modules: list[str]) -> None:
    """None of these is needed to answer the first invocation."""
    assert [module for module in modules if module == name or module.startswith(f"{name}.")] == []


def test_the_entry_stays_within_its_budget() -> None:
    """Beyond asyncio and uvloop the runtime loads a known number of modules: raise it knowingly."""
    beyond = loaded("import asyncio, uvloop, logging")
    own = [name for name in beyond if name.partition(".")[0] == "everloop"]
    foreign = [name for name in beyond if name not in own]

    assert len(foreign) <= FOREIGN_BUDGET, "\n".join(foreign)
    assert len(own) <= OWN_BUDGET, "\n".join(own)


def test_the_entry_runs_nothing_when_it_is_imported(modules: list[str]) -> None:
    """Importing is not starting."""
    assert "everloop.runtime" in modules
