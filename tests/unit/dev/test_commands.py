"""The command line as click reads it: what is wrong use, what is printed without a function."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import everloop
from everloop.dev.commands import Commands
from everloop.dev.commands import everloop as command


def run(*arguments: str, stdin: bytes = b"") -> Result:
    """Run the command in this process: for what starts no function."""
    return CliRunner().invoke(command, arguments, input=stdin, prog_name="everloop", terminal_width=100)


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["plain.echo", "-"], b"{'a': 1}", "The event in standard input is not JSON"),
        (["plain.echo", "-"], b"\xff\xfe", "The event in standard input is not JSON"),
        (["plain.echo", "-"], b"[" * 100_000, "nested too deeply"),
        (["plain.echo", "-"], b'{"a": NaN}', "it has NaN, which only Python takes for JSON"),
        (["plain.echo", "-", "--timeout", "nan"], b"{}", "'nan' is not a number"),
        (["plain.echo", "-", "--name", "bad name"], b"{}", "expected are up to 64 letters"),
        (["plain.echo", "nowhere.json"], b"", "The event cannot be read: nowhere.json: No such file or directory"),
        (["plain.echo"], b"", "Missing argument 'EVENT.json|-'"),
        (["plain.echo", "-", "--mode", "steaming"], b"{}", "'steaming' is not one of 'buffered', 'streaming'"),
        (["plain.echo", "-", "--env", "=x"], b"{}", "expected NAME=VALUE"),
    ],
)
def test_wrong_use_is_exit_code_2(arguments: list[str], stdin: bytes, said: str) -> None:
    """Nothing is invoked, and the output is empty."""
    done = run("invoke", *arguments, stdin=stdin)

    assert done.exit_code == 2
    assert done.stdout == ""
    assert said in " ".join(done.stderr.split())
    assert isinstance(done.exception, SystemExit)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["echo:app", "--source", "carrier-pigeon"], "'carrier-pigeon' is not one of"),
        (["echo:app", "--source", "alb", "--stage", "prod"], "the source 'alb' has none"),
        (["echo:app", "--env", "NAME"], "expected NAME=VALUE"),
        (["echo:app", "--env-file", "nowhere.env"], "'nowhere.env' does not exist"),
        (["echo:app", "--base-path", "my shop"], "'my%20shop' would be"),
        (["echo:app", "--timeout", "0"], "0.0 is not in the range"),
        (["echo:app", "--max-concurrency", "4", "--freeze"], "never freezes"),
        (["echo:app", "--env", "EVERLOOP_RESPONSE_MODE=steaming"], "expected buffered or streaming"),
        (["echo:app", "--root", "/nonexistent"], "does not exist"),
    ],
)
def test_wrong_use_of_dev_is_exit_code_2(arguments: list[str], said: str) -> None:
    """With what was expected, and before anything is started."""
    done = run("dev", *arguments)

    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())
    assert isinstance(done.exception, SystemExit)


def test_a_body_comes_out_of_a_file_or_standard_input(tmp_path: Path) -> None:
    """As with curl."""
    file = tmp_path / "body.bin"
    file.write_bytes(b"\0\xff")

    from_file = json.loads(run("event", "function-url", "--body", f"@{file}").stdout)
    from_stdin = json.loads(run("event", "function-url", "--body", "@-", "--compact", stdin=b"text").stdout)

    assert (from_file["body"], from_file["isBase64Encoded"]) == ("AP8=", True)
    assert (from_stdin["body"], from_stdin["isBase64Encoded"]) == ("text", False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["carrier-pigeon"], "'carrier-pigeon' is not one of"),
        (["function-url", "-H", "nothing"], "expected 'NAME: VALUE'"),
        (["function-url", "--body", "@/nonexistent"], "No such file or directory"),
        (["s3", "--method", "GET"], "s3"),
    ],
)
def test_an_event_that_there_is_not_is_told(arguments: list[str], said: str) -> None:
    """Exit code 2, by what is wrong."""
    done = run("event", *arguments)

    assert done.exit_code == 2
    assert said in done.stderr
    assert isinstance(done.exception, SystemExit)


@pytest.mark.parametrize("arguments", [["--help"], ["dev", "--help"], ["invoke", "--help"], ["event", "--help"]])
def test_every_command_has_help(arguments: list[str]) -> None:
    """Within the width of a terminal of 100 columns."""
    done = run(*arguments)

    assert done.exit_code == 0
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_the_version_is_told() -> None:
    """By the command itself."""
    assert run("--version").stdout == f"everloop {everloop.__version__}\n"


def test_every_option_is_documented() -> None:
    """In the page about the commands, by its name."""
    page = (Path(__file__).parents[3] / "docs" / "dev.md").read_text(encoding="utf-8")
    options = {
        name
        for chosen in ("dev", "invoke", "event")
        for parameter in Commands().get_command(click.Context(command), chosen).params  # type: ignore[union-attr]
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("--")
    }

    assert len(options) > 25
    assert {name for name in options if f"`{name}" not in page} == set()
