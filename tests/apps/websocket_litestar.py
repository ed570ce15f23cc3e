"""A Litestar application with a WebSocket listener."""

from typing import Any

from litestar import Litestar, WebSocket, websocket_listener
from litestar.exceptions import PermissionDeniedException


def check(socket: WebSocket[Any, Any, Any]) -> None:
    if socket.query_params.get("token") == "wrong":
        raise PermissionDeniedException("wrong token")


@websocket_listener("/", connection_accept_handler=lambda socket: _accept(socket))
async def listener(data: str, socket: WebSocket[Any, Any, Any]) -> str:
    return f"{socket.query_params.get('room')}: {data}"


async def _accept(socket: WebSocket[Any, Any, Any]) -> None:
    check(socket)
    await socket.accept()


app = Litestar([listener])
