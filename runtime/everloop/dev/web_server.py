"""The web server: uvicorn, quiet, without its own signals."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

GRACE = 1
"""Seconds that connections get to end when the server stops."""

EXPECTED = (
    "returned without completing response",
    "returned without completing handshake",
    "timeout graceful shutdown exceeded",
)
"""What uvicorn calls an error, and here is none: a response that the function broke off, a handshake that was refused
(uvicorn says so although it has sent the whole refusal), a client that stayed."""


def web_server(app: ASGIApp) -> uvicorn.Server:
    """Give a server for the application; it serves on the running loop until `should_exit` is set."""
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    config = uvicorn.Config(
        app,
        http="httptools",
        ws=_websocket,  # type: ignore[arg-type]  # called where the class would be
        loop="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
        ws_per_message_deflate=False,
    )
    return _Server(config)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to who started the server."""
        yield


def _websocket(*arguments: object, **named: object) -> asyncio.Protocol:
    """Make the protocol of a WebSocket; its import takes longer than all else, and few need it."""
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    return WebSocketsSansIOProtocol(*arguments, **named)  # type: ignore[arg-type]


def _is_news(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    return not any(expected in message for expected in EXPECTED)
