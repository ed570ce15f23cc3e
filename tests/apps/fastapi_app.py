"""A FastAPI application with the things that people do: JSON, uploads, events, downloads, background tasks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import BackgroundTasks, FastAPI, File, Form, Request, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from gates import gate


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
    yield {"greeting": "good day"}


app = FastAPI(lifespan=lifespan)


class Parcel(BaseModel):
    """What is sent."""

    name: str
    weight: float


@app.post("/parcels/{number}")
async def parcel(number: int, item: Parcel, request: Request) -> dict[str, object]:
    return {"number": number, "name": item.name, "weight": item.weight, "greeting": request.state.greeting}


@app.post("/upload")
async def upload(file: Annotated[UploadFile, File()], note: Annotated[str, Form()]) -> dict[str, object]:
    content = await file.read()
    return {"size": len(content), "bytes": list(content[:8]), "filename": file.filename, "note": note}


@app.get("/events")
async def events() -> StreamingResponse:
    async def stream() -> AsyncIterator[str]:
        for number in range(3):
            yield f"data: {number}\n\n"
            await gate(f"event{number}")

    return StreamingResponse(stream(), media_type="text/event-stream")


@app.get("/download")
async def download() -> StreamingResponse:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b"\x80" * 65536
            await asyncio.sleep(0)

    return StreamingResponse(stream(), media_type="application/octet-stream")


@app.get("/background")
async def background(tasks: BackgroundTasks) -> dict[str, str]:
    async def work() -> None:
        await gate("background")
        print("background ends", flush=True)

    tasks.add_task(work)
    return {"answer": "sent"}


@app.get("/sync")
def sync() -> dict[str, str]:
    return {"ran": "in a thread"}
