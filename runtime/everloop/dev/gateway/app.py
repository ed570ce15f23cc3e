"""The gateway as one ASGI application."""

from starlette.types import ASGIApp, Receive, Scope, Send

from everloop.dev.calls import Lambda
from everloop.dev.gateway.config import GatewayConfig
from everloop.dev.gateway.connections import Connections
from everloop.dev.gateway.exchange import Exchange
from everloop.dev.gateway.incoming import raw_path_of
from everloop.dev.gateway.sockets import Sockets
from everloop.dev.journal import Journal


def gateway_app(function: Lambda, config: GatewayConfig, journal: Journal) -> ASGIApp:
    """Give the application: `http` and `websocket` scopes of any path, and the `@connections` API.

    It needs no lifespan. To break off a response in mid-stream it returns without completing it: the server then
    closes the connection, as uvicorn does.
    """
    connections = Connections()
    sockets = Sockets(function, config, connections)
    prefix = f"/{config.websocket_stage}/@connections/"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await sockets.serve(scope, receive, send)
        elif scope["type"] == "http":
            path = raw_path_of(scope)
            if path.startswith(prefix) and "/" not in path[len(prefix) :]:
                await connections.serve(path[len(prefix) :], scope, receive, send)
            else:
                await Exchange(function, config, journal, receive, send).serve(scope)

    return app
