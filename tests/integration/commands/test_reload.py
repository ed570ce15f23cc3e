"""Reload: an edit takes effect on the same port, a broken one is shown, and the next save mends it."""

import time
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from support.dev_server import PATIENCE, DevServer, DevServers

APP = """
import os

async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({{"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}})
    await send({{"type": "http.response.body", "body": {body}}})
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "site-packages" / "project"  # a name that is passed over below the root alone
    folder.mkdir(parents=True)
    write(folder, 'b"first"')
    return folder


def write(project: Path, body: str) -> None:
    (project / "main.py").write_text(APP.format(body=body), encoding="utf-8")


def wait_for_answer(server: DevServer, body: str) -> None:
    """Ask until the answer is the expected one."""
    deadline = time.monotonic() + PATIENCE
    while (answer := server.get("/").text) != body:
        assert time.monotonic() < deadline, answer


def start(serve: DevServers, project: Path, *arguments: str) -> DevServer:
    server = serve("main:app", *arguments, root=project)
    server.process.wait_for_log("^Watching ", PATIENCE)
    return server


def test_an_edit_takes_effect_on_the_same_port(serve: DevServers, project: Path) -> None:
    """Even over a connection that was there before; each start is told."""
    server = start(serve, project)
    assert server.get("/").text == "first"

    write(project, 'b"second"')

    wait_for_answer(server, "second")
    server.process.wait_for_log(r"^Changed: main\.py\.", PATIENCE)
    server.process.wait_for_logs("^Ready: ", 2, PATIENCE)


def test_a_broken_edit_is_shown_and_the_next_save_mends_it(serve: DevServers, project: Path) -> None:
    """The traceback is in the terminal and in the browser; the server stays."""
    server = start(serve, project)

    write(project, "1 / 0 +")
    server.process.wait_for_log("^main:app did not start: Runtime.UserCodeSyntaxError", PATIENCE)
    page = server.get("/", accept="text/html")
    assert page.status_code == 502
    assert "Runtime.UserCodeSyntaxError" in page.text
    assert "main.py" in page.text

    (project / "main.py").write_text("def load():\n    raise ValueError('at import')\n\nload()\n", encoding="utf-8")
    server.process.wait_for_log("^main:app did not start: Function.ValueError: at import", PATIENCE)
    page = server.get("/", accept="text/html")
    assert "at import" in page.text
    assert "in load" in page.text

    write(project, 'b"mended"')
    wait_for_answer(server, "mended")
    assert server.interrupt() == 0


def test_a_server_that_began_broken_is_mended_by_a_save(serve: DevServers, project: Path) -> None:
    """Starting it again is not needed."""
    write(project, "nothing +")
    server = serve("main:app", root=project, ready=False)
    server.process.wait_for_log("^Watching ", PATIENCE)

    write(project, 'b"mended"')

    wait_for_answer(server, "mended")


def test_a_start_that_hangs_is_mended_by_a_save(serve: DevServers, project: Path) -> None:
    """Nobody waits for what hangs, neither at the start nor later."""
    hanging = "import time\nprint('it hangs', flush=True)\ntime.sleep(600)\n"
    (project / "main.py").write_text(hanging, encoding="utf-8")
    server = serve("main:app", root=project, ready=False)
    server.process.wait_for_log("^Watching ", PATIENCE)
    server.process.wait_for_log("^it hangs$", PATIENCE)
    write(project, 'b"mended"')
    wait_for_answer(server, "mended")

    (project / "main.py").write_text(hanging, encoding="utf-8")
    server.process.wait_for_logs("^it hangs$", 2, PATIENCE)
    write(project, 'b"again"')
    wait_for_answer(server, "again")


def test_what_is_no_source_starts_nothing_anew(serve: DevServers, project: Path) -> None:
    """Caches, virtual environments and the application's own files; a source after them proves that they were seen."""
    server = start(serve, project)
    for name in ("__pycache__/main.py", ".venv/lib/a.py", "env/lib/b.py", "data.json", ".git/hook.py", "page.html"):
        file = project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        (project / "env" / "pyvenv.cfg").parent.mkdir(exist_ok=True)
        (project / "env" / "pyvenv.cfg").touch()
        file.write_text("1", encoding="utf-8")
    write(project, 'b"second"')

    wait_for_answer(server, "second")
    changed = [line.text for line in server.process.logged("^Changed: ")]
    assert changed == ["Changed: main.py. Starting anew."]


def test_further_names_are_watched_where_asked(serve: DevServers, project: Path) -> None:
    """Templates, for example."""
    server = start(serve, project, "--reload-include", "*.html")

    (project / "page.html").write_text("<p>", encoding="utf-8")

    server.process.wait_for_log(r"^Changed: page\.html\.", PATIENCE)
    server.process.wait_for_logs("^Ready: ", 2, PATIENCE)


def test_an_env_file_is_read_anew(serve: DevServers, project: Path, tmp_path: Path) -> None:
    """Wherever it lies; where it is wrong that is told, and what was read before stays."""
    write(project, 'os.environ["WORD"].encode()')
    file = tmp_path / "elsewhere" / "dev.env"
    file.parent.mkdir()
    file.write_text("WORD=one\n", encoding="utf-8")
    server = start(serve, project, "--env-file", str(file))
    server.process.wait_for_logs("^Watching ", 2, PATIENCE)
    assert server.get("/").text == "one"

    file.write_text("WORD\n", encoding="utf-8")
    server.process.wait_for_log("dev.env, line 1: expected NAME=value", PATIENCE)
    wait_for_answer(server, "one")

    file.write_text("WORD=two\n", encoding="utf-8")
    wait_for_answer(server, "two")

    file.write_text("WORD=three\nEVERLOOP_RESPONSE_MODE=streaming\n", encoding="utf-8")
    server.process.wait_for_log("^EVERLOOP_RESPONSE_MODE has changed", PATIENCE)
    wait_for_answer(server, "two")


CHAT = """
async def app(scope, receive, send):
    assert scope["type"] == "websocket"
    await send({{"type": "websocket.accept"}})
    event = scope["aws.event"]["requestContext"]["eventType"]
    if event == "MESSAGE":
        await send({{"type": "websocket.send", "text": {version!r} + scope["query_string"].decode()}})
    if event == "DISCONNECT":
        await receive()
        print("left", {version!r}, scope["query_string"].decode(), (await receive())["code"], flush=True)
"""


def test_a_reload_closes_websockets(serve: DevServers, project: Path) -> None:
    """Their handshakes went with the old environment, which is told who leaves; a client that comes back is served."""
    (project / "main.py").write_text(CHAT.format(version="first "), encoding="utf-8")
    server = start(serve, project)
    url = f"ws{server.origin.removeprefix('http')}/?room=7"
    with connect(url, open_timeout=PATIENCE, proxy=None) as client:
        client.send("hi")
        assert client.recv(PATIENCE) == "first room=7"

        (project / "main.py").write_text(CHAT.format(version="second "), encoding="utf-8")

        with pytest.raises(ConnectionClosed) as closed:
            client.recv(PATIENCE)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert "loaded anew" in closed.value.rcvd.reason
    with connect(url, open_timeout=PATIENCE, proxy=None) as client:
        client.send("hi")
        assert client.recv(PATIENCE) == "second room=7"
    server.process.wait_for_log(r"^left second  room=7 1000", PATIENCE)
    assert [line.text for line in server.process.logged("^left first")] == ["left first  room=7 1001"]
    assert server.process.logged("is not known here") == []


def test_no_reload(serve: DevServers, project: Path) -> None:
    """What was started stays."""
    server = serve("main:app", "--no-reload", root=project)
    write(project, 'b"second"')

    assert server.get("/").text == "first"
    assert server.process.logged("^(Watching|Changed)") == []
