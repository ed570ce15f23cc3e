"""Initialisation that fails: reported once, with the right type, exit 1, and never a poll."""

import re
from pathlib import Path
from typing import Any

import pytest

from support.answers import Drop, refusal
from support.environment import Environment, Launcher
from support.scripted_api import ScriptedRuntimeApi

HEADER = "lambda-runtime-function-error-type"
AWS_ACCEPTS = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")


def init_error(env: Environment, error_type: str) -> dict[str, Any]:
    """Wait for the one report of a failed initialisation and the end; gives the error."""
    request = env.api.wait_for_request("init/error")
    assert env.process.exit_code() == 1
    error: dict[str, Any] = request.json()
    assert error["errorType"] == error_type, error
    assert request.headers["content-type"] == "application/json"
    assert isinstance(error["errorMessage"], str)
    assert all(isinstance(line, str) for line in error["stackTrace"])
    assert AWS_ACCEPTS.fullmatch(request.headers[HEADER])
    assert env.api.requests_to("next") == []
    assert len(env.api.requests_to("init/error")) == 1
    if error_type.startswith("Runtime."):
        assert request.headers[HEADER] == error_type
    return error


def write(folder: Path, name: str, code: str) -> None:
    (folder / name).write_text(code, encoding="utf-8")


@pytest.mark.parametrize("handler", ["no_such_module:app", "no_such_module.app", "no/such/module.app"])
def test_missing_module(launch: Launcher, handler: str) -> None:
    """A module that is not there is `Runtime.ImportModuleError`, which names it."""
    error = init_error(launch(handler), "Runtime.ImportModuleError")
    assert "module" in error["errorMessage"]
    assert "no" in error["errorMessage"]


def test_missing_import_inside_the_module(launch: Launcher, tmp_path: Path) -> None:
    """A module that a module of the user's needs is named, not the user's own."""
    write(tmp_path, "web.py", "import absent_dependency\n")
    error = init_error(launch("web:app", task_root=tmp_path), "Runtime.ImportModuleError")
    assert "absent_dependency" in error["errorMessage"]


def test_syntax_error(launch: Launcher, tmp_path: Path) -> None:
    """Code that is not Python is `Runtime.UserCodeSyntaxError`, with file and line."""
    write(tmp_path, "web.py", "ok = 1\ndef app(:\n    pass\n")
    error = init_error(launch("web:app", task_root=tmp_path), "Runtime.UserCodeSyntaxError")
    told = error["errorMessage"] + "".join(error["stackTrace"])
    assert "web.py" in told
    assert "2" in told


def test_missing_attribute(launch: Launcher) -> None:
    """An attribute that the module does not have is `Runtime.HandlerNotFound`, which names both."""
    error = init_error(launch("echo:application"), "Runtime.HandlerNotFound")
    assert "application" in error["errorMessage"]
    assert "echo" in error["errorMessage"]


@pytest.mark.parametrize("handler", ["made:service.missing", "made:service.app.name.missing"])
def test_missing_dotted_attribute(launch: Launcher, handler: str) -> None:
    """A dotted attribute is looked for to its end."""
    error = init_error(launch(handler), "Runtime.HandlerNotFound")
    assert "missing" in error["errorMessage"]


def test_a_module_with_the_name_of_pythons_own_is_told(launch: Launcher, tmp_path: Path) -> None:
    """Python's own `logging` is imported long before: that the user's file has its name is the cause, and is said."""
    # Otherwise the working directory, the same folder, comes before everything, and nothing of Python would start.
    write(tmp_path, "logging.py", "def app(event, context): ...\n")
    error = init_error(launch("logging:app", {"PYTHONSAFEPATH": "1"}, task_root=tmp_path), "Runtime.HandlerNotFound")
    assert "'logging' is a module of Python's own" in error["errorMessage"]
    assert "give its file another" in error["errorMessage"]


def test_a_handler_that_is_a_file_name_is_told(launch: Launcher) -> None:
    """`echo.py` asks for the attribute `py`, which nobody means."""
    error = init_error(launch("echo.py"), "Runtime.HandlerNotFound")
    assert "without `.py`: echo:app" in error["errorMessage"]


@pytest.mark.parametrize(("handler", "meant"), [("echo.py:app", "echo:app"), ("src/main.py:app", "src.main:app")])
def test_a_module_that_is_a_file_name_is_told(launch: Launcher, handler: str, meant: str) -> None:
    """As one calls a script: the file is there, so its spelling is not what to look at."""
    error = init_error(launch(handler), "Runtime.ImportModuleError")
    assert f"without `.py`: {meant}." in error["errorMessage"]
    assert handler in error["errorMessage"]


@pytest.mark.parametrize(
    ("events", "error_type"),
    [("echo:missing", "Runtime.HandlerNotFound"), ("no_such_module:app", "Runtime.ImportModuleError")],
)
def test_the_setting_of_what_events_go_to_is_named(launch: Launcher, events: str, error_type: str) -> None:
    """The application's own handler is in order: nobody would look for the mistake elsewhere."""
    error = init_error(launch("echo:app", {"EVERLOOP_EVENTS": events}), error_type)
    assert error["errorMessage"].startswith(f"EVERLOOP_EVENTS={events!r}: ")


@pytest.mark.parametrize("handler", ["justoneword", ":app", "echo:", "echo.", ".app", "echo:app()()", "echo:app(1)"])
def test_malformed_handler(launch: Launcher, handler: str) -> None:
    """A string that names no module and attribute is `Runtime.MalformedHandlerName`, and shows the string."""
    error = init_error(launch(handler), "Runtime.MalformedHandlerName")
    assert handler in error["errorMessage"]


@pytest.mark.parametrize("handler", [None, ""])
def test_no_handler_at_all(launch: Launcher, handler: str | None) -> None:
    """Neither an argument nor `_HANDLER`: the message says where a handler comes from."""
    error = init_error(launch(handler), "Runtime.MalformedHandlerName")
    assert "_HANDLER" in error["errorMessage"]


def test_exception_on_import_keeps_its_name(launch: Launcher, tmp_path: Path) -> None:
    """Code that raises on import is reported under the exception's own name, with the user's lines only."""
    write(tmp_path, "web.py", "def connect():\n    raise ConnectionError('no database')\n\nconnect()\n")
    env = launch("web:app", task_root=tmp_path)
    error = init_error(env, "ConnectionError")
    assert error["errorMessage"] == "no database"
    module, connect = error["stackTrace"]
    assert module.startswith(f'  File "{tmp_path / "web.py"}", line 4, in <module>')
    assert connect.startswith(f'  File "{tmp_path / "web.py"}", line 2, in connect')
    assert env.api.requests_to("init/error")[0].headers[HEADER] == "Function.ConnectionError"
    log = env.process.wait_for_log("no database").text
    assert "web.py" in log
    assert "everloop/" not in log
    assert "importlib" not in log


def test_what_cannot_patch_uvloops_loop_is_told_of_the_other(launch: Launcher, tmp_path: Path) -> None:
    """As nest_asyncio does it; the error stays its own, the log names the setting."""
    code = (
        "import asyncio\nloop = asyncio.get_event_loop()\n"
        "if not isinstance(loop, asyncio.BaseEventLoop):\n"
        '    raise ValueError(f"Can\'t patch loop of type {type(loop)}")\n'
        "def handler(event, context): return 1\n"
    )
    write(tmp_path, "web.py", code)
    env = launch("web:handler", task_root=tmp_path)
    assert "EVERLOOP_LOOP" not in init_error(env, "ValueError")["errorMessage"]
    env.process.wait_for_log("uvloop.Loop.*EVERLOOP_LOOP=asyncio takes")
    assert launch("web:handler", {"EVERLOOP_LOOP": "asyncio"}, task_root=tmp_path).invoke({}).response() == 1


@pytest.mark.parametrize(
    ("raised", "error_type"),
    [("SystemExit(3)", "SystemExit"), ("KeyboardInterrupt()", "KeyboardInterrupt")],
)
def test_base_exceptions_on_import_are_reported(launch: Launcher, tmp_path: Path, raised: str, error_type: str) -> None:
    """`sys.exit()` in a module does not end the process without a word: it is a failed initialisation."""
    write(tmp_path, "web.py", f"raise {raised}\n")
    init_error(launch("web:app", task_root=tmp_path), error_type)


@pytest.mark.parametrize("workers", [{}, {"AWS_LAMBDA_MAX_CONCURRENCY": "2", "EVERLOOP_WORKERS": "2"}])
@pytest.mark.parametrize("at_import", [True, False])
def test_a_thread_does_not_keep_a_process_that_failed(
    launch: Launcher, tmp_path: Path, workers: dict[str, str], at_import: bool
) -> None:
    """Exit 1, soon, although the interpreter waits for every thread that is no daemon."""
    code = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\nraise LookupError\n"
    if not at_import:
        code = f"async def app(scope, receive, send):\n    await receive()\n    exec({code!r})\n"
    write(tmp_path, "web.py", code)
    env = launch("web:app", workers, task_root=tmp_path)
    init_error(env, "LookupError" if at_import else "Runtime.LifespanFailed")
    env.process.wait_for_log("a thread held it up")


def test_failing_factory(launch: Launcher) -> None:
    """A factory that raises is reported under the exception's own name."""
    error = init_error(launch("made:broken_factory()"), "LookupError")
    assert error["errorMessage"] == "no configuration"
    [frame] = error["stackTrace"]
    assert "in broken_factory" in frame


@pytest.mark.parametrize(
    ("app", "told"),
    [
        ("raises_after", "the database is away"),
        ("startup_failed", "no licence"),
        ("returns_after", ""),
    ],
)
def test_failed_startup(launch: Launcher, tmp_path: Path, app: str, told: str) -> None:
    """A startup that fails after its first `receive()` is `Runtime.LifespanFailed`, with the application's words."""
    env = launch(f"lifespans:{app}", {"LIFESPAN_FILE": str(tmp_path / "lifespan")})
    error = init_error(env, "Runtime.LifespanFailed")
    assert told in error["errorMessage"]


def test_exit_in_startup_is_reported(launch: Launcher, loop: dict[str, str], tmp_path: Path) -> None:
    """`sys.exit()` in the startup does not end the process without a word either."""
    env = launch("lifespans:exits", {**loop, "LIFESPAN_FILE": str(tmp_path / "lifespan")})
    error = init_error(env, "SystemExit")
    assert error["errorMessage"] == "no licence, no start"
    assert "never retrieved" not in env.process.log


@pytest.mark.parametrize("app", ["raises_before", "returns_before"])
def test_lifespan_on_makes_any_failure_fatal(launch: Launcher, app: str) -> None:
    """With `EVERLOOP_LIFESPAN=on` an application without lifespan cannot start."""
    init_error(launch(f"lifespans:{app}", {"EVERLOOP_LIFESPAN": "on"}), "Runtime.LifespanFailed")


def test_startup_timeout(launch: Launcher) -> None:
    """A startup that does not complete within the setting is `Runtime.LifespanFailed`, and gives the time."""
    env = launch("lifespans:startup_hangs", {"EVERLOOP_STARTUP_TIMEOUT": "0.3"})
    error = init_error(env, "Runtime.LifespanFailed")
    assert "0.3" in error["errorMessage"]


def test_wrong_settings_are_reported_together(launch: Launcher) -> None:
    """All wrong settings are one error: each with its name, the value found, and what was expected."""
    wrong = {
        "EVERLOOP_RESPONSE_MODE": "Streaming!",
        "EVERLOOP_LIFESPAN": "maybe",
        "EVERLOOP_STARTUP_TIMEOUT": "soon",
        "EVERLOOP_DEADLINE_MARGIN": "-1",
        "EVERLOOP_LOOP": "trio",
        "EVERLOOP_ERROR_STATUSES": "5xx",
    }
    env = launch("echo:app", wrong)
    message = init_error(env, "Runtime.InvalidSettings")["errorMessage"]
    for name, value in wrong.items():
        assert name in message
        assert value in message
    assert "buffered" in message
    assert "streaming" in message
    assert all(name in env.process.log for name in wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EVERLOOP_RESPONSE_MODE", "stream"),
        ("EVERLOOP_DEADLINE_MARGIN", "nan"),
        ("EVERLOOP_SHUTDOWN_TIMEOUT", "inf"),
        ("EVERLOOP_ERROR_STATUSES", "504-500"),
        ("EVERLOOP_ERROR_STATUSES", "99"),
        ("EVERLOOP_LIFESPAN", "1"),
    ],
)
def test_each_wrong_setting_is_an_error(launch: Launcher, name: str, value: str) -> None:
    """A wrong value never falls back silently."""
    assert name in init_error(launch("echo:app", {name: value}), "Runtime.InvalidSettings")["errorMessage"]


def test_refused_init_error_does_not_hang(launch: Launcher) -> None:
    """When the report itself is refused or its connection breaks, the process exits with 1 all the same."""
    for plan in (refusal(403, "InvalidStateTransition"), Drop()):
        with ScriptedRuntimeApi() as api:
            api.script("init/error", plan)
            env = launch("no_such_module:app", api=api)
            assert env.process.exit_code() == 1
            assert len(api.requests_to("init/error")) == 1
            assert "no_such_module" in env.process.log
