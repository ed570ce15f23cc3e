"""A chat completion as OpenAI's API streams it: each token leaves when the model gives it.

`model()` stands for the client of a real one; it is made once, in the lifespan, and shared by all requests.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse


class State(TypedDict):
    answers: list[int]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[State]:
    yield State(answers=[])


app = FastAPI(lifespan=lifespan)


async def model(prompt: str) -> AsyncIterator[str]:
    """Answer word by word."""
    for word in f"You said: {prompt}".split(" "):
        await asyncio.sleep(0.02)
        yield word + " "


@app.post("/v1/chat/completions")
async def complete(request: Request) -> Response:
    body = await request.json()
    request.state.answers.append(len(body["messages"]))
    number = len(request.state.answers)
    words = model(body["messages"][-1]["content"])
    if body.get("stream"):
        return StreamingResponse(events(number, words), media_type="text/event-stream")
    text = "".join([word async for word in words])
    return JSONResponse({"id": f"chatcmpl-{number}", "choices": [{"index": 0, "message": message(text)}]})


def message(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


async def events(number: int, words: AsyncIterator[str]) -> AsyncIterator[str]:
    """Wrap each word as a chunk, and end as OpenAI's clients expect."""

    def event(delta: dict[str, Any], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        chunk = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "choices": [choice]}
        return f"data: {json.dumps(chunk)}\n\n"

    yield event({"role": "assistant"})
    async for word in words:
        yield event({"content": word})
    yield event({}, "stop")
    yield "data: [DONE]\n\n"
