"""The inspector's addresses: the page's files, and the JSON that it is made of."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from everloop.dev.calls import Lambda
from everloop.dev.inspector.guard import Guard
from everloop.dev.inspector.live import changes
from everloop.dev.inspector.records import detail
from everloop.dev.inspector.sending import Sender
from everloop.dev.journal import Journal, Record
from everloop.dev.json_text import check_json
from everloop.dev.samples import SAMPLES, sample_event

PREFIX = "/_everloop"

PAGE = Path(__file__).with_name("page")

LIMIT = 6 * 1024 * 1024
"""Bytes of an event: Lambda takes no more."""

HEADERS = {
    # Nothing but what this server serves, and in nobody's frame: a click there must not send an event.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


@dataclass(slots=True, kw_only=True)
class Inspector:
    """What the page shows and does: the journal, the function, and facts about it for the head of the page."""

    function: Lambda
    journal: Journal
    facts: Mapping[str, Any] = field(default_factory=dict)
    """`handler`, `name`, `source`, `mode`, …: shown as they are. `streaming` presets how an event is sent."""
    environ: Callable[[], Mapping[str, str]] = dict
    """The function's environment, for what shapes its scope."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server stops: ends the streams that would keep it."""


def inspector_app(inspector: Inspector, allowed: Iterable[str] = ()) -> ASGIApp:
    """Give the application for every path under `/_everloop`; `allowed` are names that the server may be called by."""
    sender = Sender(inspector.function)

    async def facts(_: Request) -> Response:
        return _json({**inspector.facts, "samples": list(SAMPLES)})

    async def stream(_: Request) -> Response:
        return StreamingResponse(changes(inspector.journal, inspector.stopping), media_type="text/event-stream")

    async def invocation(request: Request) -> Response:
        record = _find(inspector.journal, request)
        return _forgotten() if record is None else _json(detail(record, inspector.environ()))

    async def response(request: Request) -> Response:
        record = _find(inspector.journal, request)
        if record is None:
            return _forgotten()
        # Never as what it claims to be: a page of the application's must not run here.
        headers = {"content-disposition": f'attachment; filename="response-{record.number}.bin"'}
        return Response(bytes(record.response), media_type="application/octet-stream", headers=headers)

    async def send(request: Request) -> Response:
        try:
            payload, streaming, label = _sent(await _body(request), inspector.journal)
        except ValueError as error:
            return _json({"error": str(error)}, 400)
        return _json({"number": await sender.send(payload, streaming=streaming, label=label)}, 202)

    async def sample(request: Request) -> Response:
        try:
            return _json(sample_event(request.path_params["source"]))
        except ValueError as error:
            return _json({"error": str(error)}, 404)

    routes = [
        Route(PREFIX, lambda _: RedirectResponse(f"{PREFIX}/")),
        Route(f"{PREFIX}/", _file("index.html")),
        Route(f"{PREFIX}/api/function", facts),
        Route(f"{PREFIX}/api/stream", stream),
        Route(f"{PREFIX}/api/invocations", send, methods=["POST"]),
        Route(f"{PREFIX}/api/invocations/{{number:int}}", invocation),
        Route(f"{PREFIX}/api/invocations/{{number:int}}/response", response),
        Route(f"{PREFIX}/api/samples/{{source}}", sample),
        *(Route(f"{PREFIX}/{path.name}", _file(path.name)) for path in sorted(PAGE.iterdir())),
    ]
    return Guard(_WithHeaders(Starlette(routes=routes)), allowed)


class _WithHeaders:
    """Adds `HEADERS` to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, with_headers)


def _json(value: Any, status: int = 200) -> Response:
    """Give JSON in ASCII: what is shown may have lone surrogates, which no encoding carries."""
    return Response(json.dumps(value), status, media_type="application/json")


def _file(name: str) -> Any:
    async def file(_: Request) -> Response:
        return FileResponse(PAGE / name)

    return file


def _find(journal: Journal, request: Request) -> Record | None:
    return journal.find(request.path_params["number"])


def _forgotten() -> Response:
    return _json({"error": "There is no such invocation: it is forgotten, or never was."}, 404)


async def _body(request: Request) -> bytes:
    """Read a body of JSON. Raises `ValueError`."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ValueError("Expected is a body of JSON: content-type application/json.")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > 2 * LIMIT:
            raise ValueError(f"The event is over Lambda's limit of {LIMIT:,} bytes.")
    return bytes(body)


def _sent(body: bytes, journal: Journal) -> tuple[bytes, bool, str]:
    """Read what is to be sent: the payload, how it is called, what the list shows of it. Raises `ValueError`.

    `{"again": 12}` is the event of an invocation, byte for byte; `{"event": …, "streaming": …, "label": …}` a new one,
    and `{"payload": "…", …}` one that is written as JSON already: JavaScript would round its large numbers.
    """
    try:
        check_json(body)
        asked = json.loads(body)
    except ValueError as error:
        raise ValueError(f"The body is not JSON: {error}") from error
    if not isinstance(asked, dict) or not asked.keys() & {"again", "event", "payload"}:
        raise ValueError('Expected is a JSON object such as {"event": {…}, "streaming": true}, or {"again": 12}.')
    if "again" in asked:
        record = journal.find(asked["again"])
        if record is None:
            raise ValueError("The invocation that is to be sent again is forgotten: only the latest are kept.")
        return record.event, record.streaming, record.label
    if "payload" in asked:
        payload = str(asked["payload"]).encode("utf-8", "surrogatepass")
        try:
            check_json(payload)
        except ValueError as error:
            raise ValueError(f"The event is not JSON: {error}") from error
    else:
        payload = json.dumps(asked["event"], separators=(",", ":")).encode()
    if len(payload) > LIMIT:
        raise ValueError(f"The event has {len(payload):,} bytes, over Lambda's limit of {LIMIT:,}.")
    label = asked.get("label")
    return payload, bool(asked.get("streaming")), label if isinstance(label, str) else "event"
