"""Server-sent events in three ways, behind a middleware that reads every request.

sse-starlette and FastAPI's own response send keep-alive comments by themselves; a connection to Lambda needs none, but
proxies on the client's side do. API Gateway ends a stream that says nothing for five minutes.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sse_starlette import EventSourceResponse as PingingResponse
from starlette.middleware.base import RequestResponseEndpoint
from starlette.responses import Response

app = FastAPI()


@app.middleware("http")
async def with_server_name(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Starlette's BaseHTTPMiddleware hands a stream on piece by piece."""
    response = await call_next(request)
    response.headers["x-served-by"] = "everloop"
    return response


@app.get("/by-hand")
async def by_hand(count: int = 3) -> Response:
    async def lines() -> AsyncIterator[str]:
        for number in range(count):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.05)

    return StreamingResponse(lines(), media_type="text/event-stream")


@app.get("/sse-starlette")
async def pinging(count: int = 3, ping: int = 15) -> Response:
    async def numbers() -> AsyncIterator[dict[str, str]]:
        for number in range(count):
            yield {"event": "number", "data": str(number)}
            await asyncio.sleep(0.05)

    return PingingResponse(numbers(), ping=ping, sep="\n")


@app.get("/fastapi", response_class=EventSourceResponse)
async def typed(count: int = 3) -> AsyncIterable[ServerSentEvent]:
    for number in range(count):
        yield ServerSentEvent(event="number", data=number)
        await asyncio.sleep(0.05)
