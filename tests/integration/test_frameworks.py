"""FastAPI and Starlette, end to end: what people really do with them."""

import base64
import gzip
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.environment import Environment, Launcher
from support.gates import Gates
from support.process import APPS
from support.sample_events import function_url

Share = Callable[..., Environment]

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming"}
DOWNLOAD = b"\x80" * 65536 * 160


def send_json(env: Environment, path: str, value: Any, method: str = "POST") -> Any:
    event = function_url(path, method=method, headers={"content-type": "application/json"}, body=json.dumps(value))
    return env.answers(event)


def multipart(**parts: bytes) -> tuple[str, bytes]:
    """A form with an upload: its content type and its bytes."""
    boundary = uuid.uuid4().hex
    body = b""
    for name, content in parts.items():
        filename = '; filename="parcel.bin"' if name == "file" else ""
        disposition = f'Content-Disposition: form-data; name="{name}"{filename}'
        body += f"--{boundary}\r\n{disposition}\r\n\r\n".encode() + content + b"\r\n"
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


def test_fastapi_json(shared: Share) -> None:
    """Path parameters, a JSON body and the lifespan's state arrive; the answer is JSON text."""
    env = shared("fastapi_app:app")
    envelope = send_json(env, "/parcels/7", {"name": "büchlein", "weight": 0.5})
    assert envelope["statusCode"] == 200
    assert envelope["isBase64Encoded"] is False
    assert json.loads(envelope["body"]) == {"number": 7, "name": "büchlein", "weight": 0.5, "greeting": "good day"}


def test_fastapi_refuses_bad_input(shared: Share) -> None:
    """FastAPI's own 422, 404 and 405 come through."""
    env = shared("fastapi_app:app")
    assert send_json(env, "/parcels/seven", {"name": "x", "weight": 1})["statusCode"] == 422
    assert env.answers(function_url("/nowhere"))["statusCode"] == 404
    assert env.answers(function_url("/upload", method="GET"))["statusCode"] == 405


def test_fastapi_upload(shared: Share) -> None:
    """A form with a binary file, which Lambda sends in base64, arrives byte for byte."""
    env = shared("fastapi_app:app")
    content = bytes(range(256)) * 4096
    content_type, body = multipart(file=content, note="für dich".encode())
    event = function_url("/upload", method="POST", headers={"content-type": content_type}, body=body)
    assert json.loads(env.answers(event)["body"]) == {
        "size": len(content),
        "bytes": list(range(8)),
        "filename": "parcel.bin",
        "note": "für dich",
    }


def test_fastapi_synchronous_route(shared: Share) -> None:
    """A route that FastAPI runs in a thread works."""
    env = shared("fastapi_app:app")
    for _ in range(2):
        assert json.loads(env.answers(function_url("/sync"))["body"]) == {"ran": "in a thread"}


def test_fastapi_background_task(launch: Launcher, gates: Gates) -> None:
    """The client has its answer while the background task runs; the next poll waits for the task."""
    env = launch("fastapi_app:app", gates.env)
    assert json.loads(env.answers(function_url("/background"))["body"]) == {"answer": "sent"}
    assert len(env.api.requests_to("next")) == 1
    gates.open("background")
    env.api.wait_for_poll()
    env.process.wait_for_log("background ends")


def test_fastapi_server_sent_events(launch: Launcher, gates: Gates) -> None:
    """Each server-sent event is on the wire before the next one is made."""
    env = launch("fastapi_app:app", {**STREAMING, **gates.env})
    exchange = env.invoke(function_url("/events"))
    for number in range(3):
        exchange.wait_for_bytes(f"data: {number}\n\n".encode())
        assert f"data: {number + 1}".encode() not in exchange.body
        assert not exchange.request.complete
        gates.open(f"event{number}")
    exchange.wait()
    assert exchange.request.prelude()["headers"]["content-type"].startswith("text/event-stream")
    assert exchange.request.stream() == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


def test_fastapi_large_download(launch: Launcher, loop: dict[str, str]) -> None:
    """Ten binary mebibytes are streamed byte for byte."""
    env = launch("fastapi_app:app", {**STREAMING, **loop})
    exchange = env.invoke(function_url("/download"), timeout=30).wait(30)
    assert exchange.request.stream() == DOWNLOAD
    assert exchange.trailers == {}


def test_fastapi_large_download_buffered_is_an_error(shared: Share) -> None:
    """The same download buffered is over Lambda's limit: an error that says so."""
    env = shared("fastapi_app:app")
    assert env.invoke(function_url("/download")).error()["errorType"] == "Function.ResponseSizeTooLarge"
    assert env.answers(function_url("/sync"))["statusCode"] == 200


def test_starlette_cookies_and_url(shared: Share) -> None:
    """Cookies arrive joined and leave one by one; the URL is the client's."""
    env = shared("starlette_app:app")
    event = function_url("/cookies", query="q=1")
    event["cookies"] = ["a=1", "b=2"]
    envelope = env.answers(event)
    seen = json.loads(envelope["body"])
    assert seen["cookies"] == {"a": "1", "b": "2"}
    assert seen["url"] == f"https://{event['requestContext']['domainName']}/cookies?q=1"
    assert [cookie.split(";")[0] for cookie in envelope["cookies"]] == ["first=1", "second=2"]


def test_starlette_redirect(shared: Share) -> None:
    """A redirect without a body has its status and its location, buffered and streamed."""
    buffered = shared("starlette_app:app").answers(function_url("/redirect"))
    assert (buffered["statusCode"], buffered["headers"]["location"]) == (307, "/elsewhere")
    streamed = shared("starlette_app:app", STREAMING).invoke(function_url("/redirect")).wait().request.prelude()
    assert (streamed["statusCode"], streamed["headers"]["location"]) == (307, "/elsewhere")


def test_starlette_gzip(shared: Share) -> None:
    """A compressed body is base64 when buffered and raw when streamed."""
    event = function_url("/long", headers={"accept-encoding": "gzip"})
    expected = b"all work and no play " * 1000
    envelope = shared("starlette_app:app").answers(event)
    assert envelope["isBase64Encoded"] is True
    assert gzip.decompress(base64.b64decode(envelope["body"])) == expected
    exchange = shared("starlette_app:app", STREAMING).invoke(event).wait()
    assert gzip.decompress(exchange.request.stream()) == expected


def test_starlette_file(shared: Share) -> None:
    """A file is sent; its text stays text."""
    envelope = shared("starlette_app:app").answers(function_url("/file"))
    assert envelope["body"] == Path(APPS, "starlette_app.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("settings", [{}, STREAMING], ids=["buffered", "streaming"])
def test_starlette_error(launch: Launcher, settings: dict[str, str]) -> None:
    """Starlette answers 500 itself and raises again: its answer stands, and the traceback is logged once."""
    env = launch("starlette_app:app", settings)
    exchange = env.invoke(function_url("/fail")).wait()
    if settings:
        assert exchange.request.prelude()["statusCode"] == 500
        assert exchange.request.stream() == b"Internal Server Error"
        assert exchange.trailers == {}
    else:
        assert exchange.response()["statusCode"] == 500
    env.process.wait_for_log("ZeroDivisionError: in a route")
    env.api.wait_for_poll()
    assert len(env.process.logged("ZeroDivisionError: in a route")) == 1
