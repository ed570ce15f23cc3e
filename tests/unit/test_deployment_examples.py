"""The templates of examples/deploy: valid by the schemas of CloudFormation, and true to what everloop does."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from everloop import settings

DEPLOY = Path(__file__).parents[2] / "examples" / "deploy"
SAM = sorted((DEPLOY / "sam").glob("*.yaml"))
TERRAFORM = sorted((DEPLOY / "terraform").glob("*.tf"))
CFN_LINT = str(Path(sys.executable).with_name("cfn-lint"))
WAYS = ("function-url", "load-balancer", "managed-instances", "rest-api", "snapstart")


def everything() -> list[Path]:
    return [
        path
        for path in DEPLOY.rglob("*")
        if path.suffix in (".yaml", ".tf", ".py", ".md") and not path.is_relative_to(DEPLOY / "build")
    ]


def test_every_way_is_there_in_every_language() -> None:
    """Who deploys with one tool finds what the others have."""
    assert [path.stem for path in SAM] == list(WAYS)
    assert {way.replace("-", "_") for way in WAYS} <= {path.stem for path in TERRAFORM}
    program = ast.parse((DEPLOY / "cdk" / "app.py").read_text(encoding="utf-8"))
    stacks = {node.name for node in program.body if isinstance(node, ast.ClassDef)}
    assert stacks == {way.title().replace("-", "").replace("Snapstart", "SnapStart") for way in WAYS}


@pytest.mark.slow
def test_cloudformation_s_schemas_know_every_property() -> None:
    """SAM's templates are transformed and checked by cfn-lint, with no rule left out."""
    command = [CFN_LINT, "--template", *map(str, SAM)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_property_that_does_not_exist_is_found(tmp_path: Path) -> None:
    """The proof that the check above is one."""
    wrong = tmp_path / "wrong.yaml"
    text = (DEPLOY / "sam" / "managed-instances.yaml").read_text(encoding="utf-8")
    wrong.write_text(text.replace("InstanceRequirements", "Instances"), encoding="utf-8")
    command = [CFN_LINT, "--template", str(wrong)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "E3002" in done.stdout


def blocks(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The resources of a Terraform file by their addresses."""
    found: dict[str, dict[str, Any]] = {}
    for block in document.get("resource", []):
        for kind, named in block.items():
            if not kind.startswith("__"):
                found |= {f"{kind}.{name}".replace('"', ""): body for name, body in named.items()}
    return found


def test_terraform_parses_and_names_nothing_that_is_not_there() -> None:
    """`terraform` itself is not asked (CI cannot have it): the syntax, and that every reference has its resource."""
    resources: dict[str, Any] = {}
    variables: set[str] = set()
    for path in TERRAFORM:
        document = hcl2.loads(path.read_text(encoding="utf-8"))
        resources |= blocks(document)
        variables |= {name.strip('"') for block in document.get("variable", []) for name in block}
    text = "\n".join(path.read_text(encoding="utf-8") for path in TERRAFORM)
    used = set(re.findall(r"(?<![\w.\"-])(aws_[a-z_]+\.[a-z_]+)\.", text))
    assert used
    assert used <= resources.keys()
    assert set(re.findall(r"var\.([a-z_]+)", text)) == {name for name in variables if not name.startswith("__")}


@pytest.mark.parametrize("path", [*SAM, *TERRAFORM], ids=lambda path: path.name)
def test_modes_agree(path: Path) -> None:
    """An answer that is streamed where it is expected whole, or the other way round, loses its body on API Gateway."""
    text = path.read_text(encoding="utf-8")
    platform = len(re.findall(r"""\bRESPONSE_STREAM\b|responseTransferMode\W+STREAM\b""", text))
    runtime = len(re.findall(r"""EVERLOOP_RESPONSE_MODE\W+streaming""", text))
    assert platform == runtime


def test_every_setting_that_is_set_exists() -> None:
    """A misspelt name would be a warning in the log of whoever copied it."""
    known = {name for name in settings._PARSERS if name.startswith("EVERLOOP_")}
    for path in everything():
        assert set(re.findall(r"EVERLOOP_[A-Z_]+", path.read_text(encoding="utf-8"))) <= known, path.name


def test_the_workflow_builds_what_lambda_takes() -> None:
    """It parses, each step does one thing, and the image is no index: Lambda refuses one."""
    workflow = yaml.safe_load((DEPLOY / "github" / "deploy.yaml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["deploy"]["steps"]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    (build,) = (step["with"] for step in steps if step.get("uses", "").startswith("docker/build-push-action@"))
    assert build["provenance"] is False
    assert build["sbom"] is False
    assert "," not in build["platforms"]
