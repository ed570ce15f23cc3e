"""WSGI applications: a bare one and those of real frameworks."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any


def bare(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/exc":
        start_response("200 OK", [("X-First", "1")])
        try:
            raise ValueError("too late to matter")
        except ValueError:
            start_response("503 Busy", [("X-Second", "2")], sys.exc_info())
        return [b"busy"]
    if path == "/fails":
        raise ValueError("broken on purpose")
    if path == "/stream":
        return _stream(start_response)
    if path == "/nothing":
        return []
    if path.startswith("/undecodable"):
        name = os.fsdecode(b"\xe9")
        start_response("200 OK", [("Content-Disposition", f"attachment; filename={name}")])
        return [] if path == "/undecodable" else [b"text"]
    if path == "/run":
        start_response("200 OK", [])
        return [str(asyncio.run(_answer())).encode()]
    if path == "/thread":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [threading.current_thread().name.encode()]
    if path == "/slow":
        time.sleep(float(os.environ.get("SLOW", "30")))
    write = start_response(
        "200 OK", [("Content-Type", "text/plain; charset=utf-8"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    )
    write(f"{environ['SCRIPT_NAME']}|{path}|{environ['QUERY_STRING']}|".encode())
    return [environ["wsgi.input"].read(), b"|", environ.get("CONTENT_TYPE", "").encode()]


async def _answer() -> int:
    return 42


def _stream(start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"one"
    yield b""
    yield b"two"
    raise ValueError("in the middle")


def flask() -> Any:
    from flask import Flask, request

    app = Flask(__name__)

    @app.post("/echo")
    def echo() -> Any:
        return {"path": request.path, "json": request.get_json(), "root": request.script_root}

    @app.post("/events")
    def events() -> Any:
        return {"batchItemFailures": [{"itemIdentifier": r["messageId"]} for r in request.get_json()["Records"]]}

    return app


def bottle() -> Any:
    import bottle

    app: Any = bottle.Bottle()

    def echo() -> Any:
        return {
            "path": bottle.request.path,
            "json": bottle.request.json,
            "root": bottle.request.script_name.rstrip("/"),
        }

    app.post("/echo")(echo)
    return app


def falcon() -> Any:
    import falcon

    class Echo:
        def on_post(self, req: Any, resp: Any) -> None:
            resp.media = {"path": req.path, "json": req.get_media(), "root": req.root_path}

    app = falcon.App()
    app.add_route("/echo", Echo())
    return app


def _django() -> None:
    import django
    from django.conf import settings
    from django.http import JsonResponse
    from django.urls import path
    from django.views.decorators.csrf import csrf_exempt

    def echo(request: Any) -> Any:
        import json

        root = request.META.get("SCRIPT_NAME", "")
        return JsonResponse({"path": request.path_info, "json": json.loads(request.body), "root": root})

    settings.configure(
        ROOT_URLCONF=(path("echo", csrf_exempt(echo)),), ALLOWED_HOSTS=["*"], SECRET_KEY="no secret", DEBUG=False
    )
    django.setup()


def django_wsgi() -> Any:
    _django()
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def django_asgi() -> Any:
    _django()
    from django.core.asgi import get_asgi_application

    return get_asgi_application()
