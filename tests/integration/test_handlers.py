"""Where the application comes from: handler strings, `_HANDLER`, `LAMBDA_TASK_ROOT`, and the loop at import."""

import json
import re
from pathlib import Path

import pytest

from support.environment import Launcher
from support.process import APPS, ROOT
from support.sample_events import function_url

PLAIN = """
from made import Named
app = Named({name!r})
"""


@pytest.mark.parametrize(
    ("handler", "name"),
    [
        ("made:app", "plain"),
        ("made.app", "plain"),
        ("made:service.app", "dotted"),
        ("made:create_app()", "made by the factory"),
    ],
)
def test_handler_syntaxes(launch: Launcher, handler: str, name: str) -> None:
    """Colon, Lambda's dot, dotted attributes and factories all lead to the application."""
    assert launch(handler).answers(function_url())["body"] == name


@pytest.mark.parametrize(
    "handler", ["shop.web.main:app", "shop.web.main.app", "shop/web/main.app", "shop/web/main:app"]
)
def test_modules_in_packages(launch: Launcher, tmp_path: Path, handler: str) -> None:
    """A module in a package is found by its dotted name and by its path."""
    package = tmp_path / "shop" / "web"
    package.mkdir(parents=True)
    (package / "main.py").write_text(PLAIN.format(name="packaged"), encoding="utf-8")
    path = f"{ROOT / 'runtime'}:{APPS}"
    env = launch(handler, {"PYTHONPATH": path}, task_root=tmp_path)
    assert env.answers(function_url())["body"] == "packaged"


def test_argument_wins_over_the_variable(launch: Launcher) -> None:
    """The first argument is the handler, whatever `_HANDLER` says."""
    env = launch("made:app", {"_HANDLER": "no_such_module:app"})
    assert env.answers(function_url())["body"] == "plain"


def test_variable_where_there_is_no_argument(launch: Launcher) -> None:
    """Without an argument, `_HANDLER` names the handler."""
    assert launch(None, {"_HANDLER": "made:app"}).answers(function_url())["body"] == "plain"


def test_task_root_is_first_on_the_path(launch: Launcher, tmp_path: Path) -> None:
    """`LAMBDA_TASK_ROOT` is searched before everything else, wherever the process was started."""
    (tmp_path / "httptools.py").write_text("", encoding="utf-8")  # must not break the runtime itself
    (tmp_path / "web.py").write_text(PLAIN.format(name="from the task root"), encoding="utf-8")
    other = tmp_path / "other"
    other.mkdir()
    (other / "web.py").write_text(PLAIN.format(name="from elsewhere"), encoding="utf-8")
    path = f"{ROOT / 'runtime'}:{APPS}:{other}"
    env = launch("web:app", {"PYTHONPATH": path}, task_root=tmp_path, cwd=other)
    assert env.answers(function_url())["body"] == "from the task root"


def test_working_directory_where_there_is_no_task_root(launch: Launcher) -> None:
    """Without `LAMBDA_TASK_ROOT` code is found in the working directory."""
    env = launch("made:app", {"LAMBDA_TASK_ROOT": None})
    assert env.answers(function_url())["body"] == "plain"


def test_kind_of_handler_is_logged_once(launch: Launcher) -> None:
    """One line at the start says what kind of handler was found."""
    env = launch("made:app")
    env.api.wait_for_poll()
    env.process.wait_for_log("(?i)asgi")
    assert len(env.process.logged("(?i)asgi")) == 1


@pytest.mark.parametrize(
    ("handler", "env", "line"),
    [
        ("wsgi_apps:flask()", {}, "is a WSGI application (flask.app.Flask); loop uvloop, responses buffered"),
        ("functions.echo", {}, "is a synchronous handler (echo (function)); loop uvloop, responses buffered"),
        ("yielding.apieces", {"EVERLOOP_LOOP": "asyncio"}, "is an async generator handler (apieces (function)); loop"),
        (
            "made:app",
            {"EVERLOOP_RESPONSE_MODE": "streaming", "EVERLOOP_BASE_PATH": "/api", "EVERLOOP_INTERFACE": "asgi"},
            "responses streaming; EVERLOOP_INTERFACE=asgi EVERLOOP_RESPONSE_MODE=streaming EVERLOOP_BASE_PATH=/api",
        ),
    ],
    ids=["wsgi", "sync", "async generator", "settings"],
)
def test_the_line_says_what_runs_how(launch: Launcher, handler: str, env: dict[str, str], line: str) -> None:
    """Kind, class, loop, mode, and the settings that differ from their defaults."""
    process = launch(handler, env).process
    assert process.wait_for_log("everloop .* is ").text.endswith(line) or line in process.log


@pytest.mark.parametrize(
    ("handler", "why"),
    [
        ("odd_objects:wrapper", r"takes any arguments \(\*args\)"),
        ("odd_objects:Application", "is a class: an instance of it is probably meant"),
        ("odd_objects:half", r"half of a WSGI application's"),
        ("odd_objects:three", "is not async"),
    ],
)
def test_ambiguity_is_an_init_error(launch: Launcher, handler: str, why: str) -> None:
    """Told to Lambda, with the setting that settles it; which then does."""
    env = launch(handler)
    assert env.process.exit_code() == 1
    report = env.api.wait_for_request("init/error").json()
    assert report["errorType"] == "Runtime.HandlerNotFound"
    assert re.search(why, report["errorMessage"])
    assert "Set EVERLOOP_INTERFACE to asgi, wsgi or handler" in report["errorMessage"]
    assert env.api.requests_to("next") == []


def test_the_setting_settles_ambiguity(launch: Launcher) -> None:
    """A handler that nobody can see through."""
    assert launch("odd_objects:wrapper", {"EVERLOOP_INTERFACE": "handler"}).invoke({"a": 1}).response() == {"a": 1}


def test_the_setting_makes_wsgi_of_what_nobody_can_see_through(launch: Launcher) -> None:
    """A middleware that takes any arguments."""
    env = launch("odd_objects:middleware", {"EVERLOOP_INTERFACE": "wsgi"})
    assert env.answers(function_url("/path"))["body"] == "/path"
    env.process.wait_for_log(r"odd_objects:middleware is a WSGI application .*EVERLOOP_INTERFACE=wsgi")


def test_a_synchronous_handler_runs_on_the_main_thread(launch: Launcher) -> None:
    """Where signals arrive, in every invocation."""
    env = launch("functions.shows_thread")
    assert [env.invoke({}).response() for _ in range(2)] == [True, True]


@pytest.mark.parametrize("handler", ["by_a_class", "by_wrapt", "on_the_current_loop", "passed_on"])
def test_a_decorator_may_run_what_it_decorates(launch: Launcher, handler: str) -> None:
    """It is called as the plain function that it is; where it runs nothing, the coroutine that it gives is awaited."""
    env = launch(f"decorated.{handler}")
    assert [env.invoke(number).response() for number in (1, 2)] == [1, 2]
    env.process.wait_for_log(f"decorated.{handler} is a synchronous handler")


def test_synchronous_handlers_run_side_by_side(launch: Launcher) -> None:
    """In a thread for every slot: each of these waits for the others."""
    env = launch("functions.meets_the_others", {"AWS_LAMBDA_MAX_CONCURRENCY": "4"})
    for _ in range(2):
        names = {exchange.response() for exchange in [env.invoke({}) for _ in range(4)]}
        assert len(names) == 4
        assert "MainThread" not in names


def test_awss_client_is_loaded_for_plain_handlers_alone(launch: Launcher) -> None:
    """An application's cold start does not pay for its marshaller; nobody's for its client."""
    env = launch("loaded_modules:app")
    loaded = json.loads(env.answers(function_url(query="awslambdaric"))["body"])
    assert "awslambdaric.lambda_context" in loaded  # which scopes carry
    assert "awslambdaric.lambda_runtime_marshaller" not in loaded
    assert "awslambdaric.bootstrap" not in loaded


def test_asyncio_run_works_during_import(launch: Launcher, loop: dict[str, str]) -> None:
    """Module-level `asyncio.run()` works, because the loop is current but not running."""
    assert launch("runs_at_import:app", loop).answers(function_url())["body"] == "set up"


def test_loop_of_the_import_is_the_loop_of_the_requests(launch: Launcher, loop: dict[str, str]) -> None:
    """The current loop during the import is the one that requests run on, and it was not running."""
    env = launch("shared_loop:app", loop)
    assert env.answers(function_url("/loop"))["body"] == "same loop: True, running during import: False"


def test_unknown_setting_warns_with_the_nearest(launch: Launcher) -> None:
    """An unknown `EVERLOOP_…` name is a warning that suggests the nearest known one; the process starts."""
    env = launch("made:app", {"EVERLOOP_RESPONS_MODE": "streaming", "AWS_LAMBDA_LOG_LEVEL": "WARN"})
    assert env.answers(function_url())["body"] == "plain"
    line = env.process.wait_for_log("EVERLOOP_RESPONS_MODE")
    assert "EVERLOOP_RESPONSE_MODE" in line.text
    assert "WARN" in line.text


def test_base_path_becomes_the_root_path(launch: Launcher) -> None:
    """`EVERLOOP_BASE_PATH` is the application's root path where the event's path lies under it."""
    env = launch("echo:app", {"EVERLOOP_BASE_PATH": "api/"})
    for path, root_path in (("/api/parcels", "/api"), ("/apiary", ""), ("/api", "/api")):
        body = env.answers(function_url(path))["body"]
        assert f'"root_path": "{root_path}"' in body
        assert f'"path": "{path}"' in body
