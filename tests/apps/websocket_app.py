"""A Starlette application with WebSocket routes: the pattern of the documentation, and what real ones do besides."""

import asyncio
from http.cookies import SimpleCookie

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect


async def chat(websocket: WebSocket) -> None:
    query = websocket.query_params
    if query.get("token") == "wrong":
        await websocket.close(1008)
        return
    if query.get("do") == "raise":
        raise ZeroDivisionError("in a handshake")
    if query.get("do") == "return":
        return
    if query.get("do") == "wait":
        await asyncio.sleep(3600)
    protocols = websocket.scope["subprotocols"]
    await websocket.accept(protocols[-1] if protocols else None, headers=[(b"x-answered", b"yes")])
    if websocket.scope["aws.event"]["requestContext"]["eventType"] == "CONNECT" and query.get("do") == "welcome":
        await websocket.send_text("welcome")
    try:
        while await answer(websocket, await websocket.receive_text()):
            pass
    except WebSocketDisconnect as gone:
        print(f"disconnected {gone.code} {gone.reason}", flush=True)


async def answer(websocket: WebSocket, text: str) -> bool:
    """Answer a message; false when the connection is closed."""
    match text:
        case "bytes":
            await websocket.send_bytes(b"\0\xff")
        case "who":
            cookie = SimpleCookie(websocket.headers.get("cookie", ""))
            await websocket.send_json(
                {
                    "query": str(websocket.query_params),
                    "origin": websocket.headers.get("origin"),
                    "sid": cookie["sid"].value if "sid" in cookie else None,
                    "client": websocket.client.host if websocket.client else None,
                    "url": str(websocket.url),
                }
            )
        case "close":
            await websocket.close(1000, "enough")
            return False
        case "many":
            for number in range(5):
                await websocket.send_text(str(number))
        case "raise":
            raise ZeroDivisionError("in a message")
        case "slow":
            await asyncio.sleep(3600)
        case _:
            await websocket.send_text(f"echo {text}")
    return True


async def careless(websocket: WebSocket) -> None:
    """As most examples on the web: nobody catches the disconnect."""
    await websocket.accept()
    while True:
        await websocket.send_text(f"echo {await websocket.receive_text()}")


async def leaving(websocket: WebSocket) -> None:
    """Says at the end who has left, as far as the handshake tells."""
    await websocket.accept()
    try:
        while await answer(websocket, await websocket.receive_text()):
            pass
    except WebSocketDisconnect as gone:
        print(f"disconnected {gone.code}", flush=True)
        if websocket.scope["aws.event"]["requestContext"]["eventType"] == "DISCONNECT":
            print(f"left {websocket.query_params} {websocket.headers.get('cookie')} {gone.code}", flush=True)


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


app = Starlette(routes=[WebSocketRoute("/", chat), Route("/", hello)])
uncaught = Starlette(routes=[WebSocketRoute("/", careless)])
farewell = Starlette(routes=[WebSocketRoute("/", leaving)])
