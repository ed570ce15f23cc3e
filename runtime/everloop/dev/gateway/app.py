"""The gateway as one ASGI application."""

from starlette.types import ASGIApp, Receive, Scope, Send

from everloop.dev.calls import Lambda
from everloop.dev.gateway.config import GatewayConfig
from everloop.dev.journal import Journal


def gateway_app(function: Lambda, config: GatewayConfig, journal: Journal) -> ASGIApp:
    """Give the application: `http` and `websocket` scopes of any path, and the `@connections` API."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError

    return app
