"""What browsers are shown: a page with an EventSource, a large download, a WebSocket that echoes."""

import hashlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from gates import gate

MEBIBYTE = 1024 * 1024

EVENTS_PAGE = """<!doctype html><title>events</title><ul></ul><script>
const source = new EventSource("/events");
source.addEventListener("tick", (event) => {
  document.querySelector("ul").append(Object.assign(document.createElement("li"), { textContent: event.data }));
});
source.addEventListener("error", () => { source.close(); document.title = "ended"; });
</script>"""

SOCKET_PAGE = """<!doctype html><title>socket</title><ul></ul><script>
const socket = new WebSocket(`ws://${location.host}/?room=7`);
window.socket = socket;
socket.onopen = () => { document.title = "open"; };
socket.onmessage = (event) => {
  document.querySelector("ul").append(Object.assign(document.createElement("li"), { textContent: event.data }));
};
socket.onclose = (event) => { document.title = `closed ${event.code}`; };
</script>"""


async def page(request: Request) -> Response:
    return HTMLResponse(EVENTS_PAGE if request.url.path == "/events-page" else SOCKET_PAGE)


async def events(_: Request) -> Response:
    async def ticks() -> AsyncIterator[str]:
        for number in (1, 2, 3):
            if number > 1:
                await gate(f"event {number}")
            yield f"event: tick\ndata: {number}\n\n"

    return StreamingResponse(ticks(), media_type="text/event-stream")


def block(number: int) -> bytes:
    """A block that differs from all others, and is no pattern that a mixed-up order would hide."""
    return hashlib.sha256(b"%d" % number).digest() * (MEBIBYTE // 32)


async def download(request: Request) -> Response:
    async def blocks() -> AsyncIterator[bytes]:
        for number in range(int(request.path_params["mebibytes"])):
            yield block(number)

    return StreamingResponse(blocks(), media_type="application/octet-stream")


async def echo(request: Request) -> Response:
    return JSONResponse({"query": request.url.query, "body": (await request.body()).decode()})


async def fail(_: Request) -> Response:
    raise ValueError("broken on purpose")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(f"{websocket.query_params['room']}: {await websocket.receive_text()}")
    except WebSocketDisconnect as gone:
        print(f"disconnected {gone.code}", flush=True)


app = Starlette(
    routes=[
        Route("/events-page", page),
        Route("/socket-page", page),
        Route("/events", events),
        Route("/download/{mebibytes:int}", download),
        Route("/echo", echo, methods=["GET", "POST"]),
        Route("/fail", fail),
        WebSocketRoute("/", socket),
    ]
)
