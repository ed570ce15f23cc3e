"""The command and the variables of a runtime's process."""

import os
import sys
from pathlib import Path

import pytest

from everloop.dev.config import FunctionConfig
from everloop.dev.launch import CREDENTIALS, DUMMY_CREDENTIALS, command, variables
from everloop.dev.metadata_api import availability_zone
from support.process import BOOTSTRAP

CONFIG = FunctionConfig(handler="main:app", task_root=Path("/code"))


def test_the_real_bootstrap_is_started() -> None:
    """In a checkout it is the repository's; a command of the user's own goes before it."""
    assert command(CONFIG) == (str(BOOTSTRAP), "main:app")
    assert command(FunctionConfig(handler="x", task_root=Path(), command=("a", "b"))) == ("a", "b")


def test_without_a_bootstrap_the_module_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Installed from a wheel, on a machine that is no Lambda image, there is only the package."""
    monkeypatch.setattr("everloop.dev.launch.IMAGE_BOOTSTRAP", tmp_path / "bootstrap")
    monkeypatch.setattr("everloop.__file__", str(tmp_path / "lib" / "site-packages" / "everloop" / "__init__.py"))
    assert command(CONFIG) == (sys.executable, "-m", "everloop", "main:app")
    (tmp_path / "bootstrap").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "bootstrap").chmod(0o755)
    assert command(CONFIG) == (str(tmp_path / "bootstrap"), "main:app")


def test_variables_are_lambdas_over_the_users() -> None:
    """The user's shell is inherited, what speaks of another function is not, and the function's own goes before it."""
    inherited = {
        "PATH": "/usr/bin",
        "HOME": "/nowhere",
        "DATABASE_URL": "shell",
        "ONLY_SHELL": "1",
        "AWS_LAMBDA_FUNCTION_NAME": "outer",
        "AWS_LAMBDA_MAX_CONCURRENCY": "9",
        "_HANDLER": "outer",
        "LAMBDA_TASK_ROOT": "/outer",
        "TZ": "Europe/Vienna",
    }
    config = FunctionConfig(
        handler="main:app",
        task_root=Path("/code"),
        name="shop",
        environ={
            "DATABASE_URL": "file",
            "AWS_LAMBDA_RUNTIME_API": "elsewhere",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_MAX_CONCURRENCY": "3",
        },
    )
    found = variables(config, "127.0.0.1:1", "token", inherited)
    assert found["PATH"] == os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin"])
    assert found["DATABASE_URL"] == "file"
    assert found["ONLY_SHELL"] == "1"
    assert found["AWS_LAMBDA_FUNCTION_NAME"] == "shop"
    assert found["AWS_LAMBDA_RUNTIME_API"] == found["AWS_LAMBDA_METADATA_API"] == "127.0.0.1:1"
    assert found["AWS_LAMBDA_METADATA_TOKEN"] == "token"
    assert found["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/shop"
    assert found["AWS_LAMBDA_LOG_FORMAT"] == "JSON"
    assert "AWS_LAMBDA_MAX_CONCURRENCY" not in found
    assert found["_HANDLER"] == "main:app"
    assert found["LAMBDA_TASK_ROOT"] == "/code"
    assert found["TZ"] == ":UTC"
    assert "AWS_LAMBDA_MAX_CONCURRENCY" not in found


@pytest.mark.parametrize("name", CREDENTIALS)
def test_the_users_credentials_are_kept(name: str) -> None:
    """A laptop's own credentials are wanted; made-up ones would hide them."""
    found = variables(CONFIG, "", "", {"HOME": "/nowhere", name: "mine"})
    assert found[name] == "mine"
    assert found.get("AWS_SESSION_TOKEN") is None


def test_made_up_credentials_where_there_are_none(tmp_path: Path) -> None:
    """Without any, SDK clients can at least be made, as on Lambda; a file of the user's is not hidden."""
    assert DUMMY_CREDENTIALS.items() <= variables(CONFIG, "", "", {"HOME": str(tmp_path)}).items()
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("[default]\n", encoding="utf-8")
    assert not DUMMY_CREDENTIALS.items() <= variables(CONFIG, "", "", {"HOME": str(tmp_path)}).items()


@pytest.mark.parametrize(
    ("region", "zone"),
    [
        ("us-east-1", "use1-az1"),
        ("ap-southeast-2", "apse2-az1"),
        ("eu-central-1", "euc1-az1"),
        ("us-gov-west-1", "usgw1-az1"),
    ],
)
def test_availability_zones(region: str, zone: str) -> None:
    """The ids are shaped as AWS's."""
    assert availability_zone(region) == zone
