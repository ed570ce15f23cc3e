"""A FastAPI application as one writes it anywhere: nothing in it knows that it runs on Lambda.

Its handler is `main:app`. Where the function's URL is configured for streaming, and EVERLOOP_RESPONSE_MODE=streaming
says so, answers leave piece by piece; otherwise the same code answers in one piece.
"""

import asyncio
import hashlib
import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypedDict

from fastapi import BackgroundTasks, FastAPI, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, StreamingResponse
from fastapi.routing import APIRoute

MEBIBYTE = 1024 * 1024


class State(TypedDict):
    """What every request finds in `request.state`."""

    notes: list[str]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[State]:
    """Open once what all requests share: a database pool, an HTTP client, here a list."""
    yield State(notes=[])
    # What follows the yield runs before Lambda takes the environment away: close it here.


app = FastAPI(title="everloop example", lifespan=lifespan)


@app.get("/", response_class=HTMLResponse)
async def index() -> str:
    """Show a stream as it comes, and the routes."""
    items = [item(route) for route in app.routes if isinstance(route, APIRoute)]
    return PAGE.replace("<!-- routes -->", "\n".join(items))


def item(route: APIRoute) -> str:
    """Show one route as a line of the list."""
    methods = " ".join(sorted(route.methods or ()))
    return f"<li><code>{methods} {html.escape(route.path)}</code> {html.escape(route.description, quote=False)}"


PAGE = (Path(__file__).parent / "index.html").read_text(encoding="utf-8")


@app.get("/greeting")
async def greeting(name: str = "world") -> dict[str, str]:
    """Answer with JSON."""
    return {"message": f"Hello, {name}!"}


@app.post("/files")
async def upload(file: UploadFile) -> dict[str, str | int | None]:
    """Take a file in, as a form's upload. Lambda itself takes up to 6 MB in one request."""
    digest = hashlib.sha256()
    size = 0
    while block := await file.read(MEBIBYTE):
        digest.update(block)
        size += len(block)
    return {"name": file.filename, "type": file.content_type, "size": size, "sha256": digest.hexdigest()}


@app.get("/events")
async def events(
    count: Annotated[int, Query(ge=1, le=1000)] = 5,
    pause: Annotated[float, Query(ge=0, description="seconds between two events")] = 1,
) -> StreamingResponse:
    """Send server-sent events, each at its own moment."""

    async def ticks() -> AsyncIterator[str]:
        for number in range(1, count + 1):
            yield f"id: {number}\nevent: tick\ndata: {number} of {count}\n\n"
            if number < count:
                await asyncio.sleep(pause)

    return StreamingResponse(ticks(), media_type="text/event-stream", headers={"cache-control": "no-cache"})


@app.get("/download")
async def download(mebibytes: Annotated[int, Query(ge=0, le=200)] = 64) -> StreamingResponse:
    """Stream a download of any size. Each block is made when the one before it has left, so memory stays flat."""

    async def blocks() -> AsyncIterator[bytes]:
        for number in range(mebibytes):
            yield bytes([number]) * MEBIBYTE

    headers = {"content-disposition": 'attachment; filename="blocks.bin"'}
    return StreamingResponse(blocks(), media_type="application/octet-stream", headers=headers)


@app.post("/notes", status_code=202)
async def take_note(text: str, request: Request, background: BackgroundTasks) -> dict[str, str]:
    """Answer at once and do the work after that: the client does not wait for it, the environment does."""
    background.add_task(write_down, request.state.notes, text)
    return {"status": "accepted"}


@app.get("/notes")
async def list_notes(request: Request) -> list[str]:
    """Show what this environment wrote down. On Lambda each environment has its own memory."""
    notes: list[str] = request.state.notes
    return notes


async def write_down(notes: list[str], text: str) -> None:
    """Pretend that writing takes a while."""
    await asyncio.sleep(0.2)
    notes.append(text)
