"""The gateway as one ASGI application."""

from contextlib import AbstractAsyncContextManager
from urllib.parse import unquote

from starlette.types import Receive, Scope, Send

from everloop.dev.calls import Lambda
from everloop.dev.gateway.config import GatewayConfig
from everloop.dev.gateway.connections import Connections
from everloop.dev.gateway.exchange import Exchange
from everloop.dev.gateway.incoming import raw_path_of
from everloop.dev.gateway.sockets import Sockets
from everloop.dev.journal import Journal


class Gateway:
    """An ASGI application for `http` and `websocket` scopes of any path, the `@connections` API among them.

    It needs no lifespan. To break off a response in mid-stream it returns without completing it: the server then
    closes the connection, as uvicorn does.
    """

    def __init__(self, function: Lambda, config: GatewayConfig, journal: Journal) -> None:
        self._function = function
        self._config = config
        self._journal = journal
        self._connections = Connections()
        self._sockets = Sockets(function, config, self._connections, journal)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one WebSocket connection."""
        if scope["type"] == "websocket":
            await self._sockets.serve(scope, receive, send)
        elif scope["type"] == "http":
            encoded_id = self._connection_in(raw_path_of(scope))
            if encoded_id is not None:
                await self._connections.serve(encoded_id, scope, receive, send)
            else:
                await Exchange(self._function, self._config, self._journal, receive, send).serve(scope)

    def restart(self) -> AbstractAsyncContextManager[None]:
        """Close what cannot outlive the function's environments, and hold its like up, while they are replaced."""
        return self._sockets.restart()

    def _connection_in(self, path: str) -> str | None:
        """Give the encoded id in a path of the `@connections` API: the SDKs of Java and .NET write `%40connections`."""
        match path.split("/"):
            case ["", stage, api, encoded_id] if unquote(api) == "@connections":
                return encoded_id if unquote(stage) == self._config.websocket_stage else None
        return None
