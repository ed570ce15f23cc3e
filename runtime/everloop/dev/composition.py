"""All front doors behind one port: which path is whose."""

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from everloop.dev import invoke_api
from everloop.dev.config import FunctionConfig
from everloop.dev.inspector import Inspector, inspector_app
from everloop.dev.inspector.guard import Guard

INVOKED = ("/2015-03-31/functions", "/2021-11-15/functions")
"""What the paths of the operations begin with that are there. Others have other dates."""


def compose(
    inspector: Inspector,
    function: FunctionConfig,
    gateway: ASGIApp,
    allowed: Iterable[str] = (),
) -> ASGIApp:
    """Give the application of the whole port. Two paths are kept for the inspector and for AWS's SDKs.

    No middleware: between the server and the gateway there are two comparisons.
    """
    inspected = inspector_app(inspector, allowed)
    # A page of another site may not invoke the function this way; programs, which say nothing of a page, may.
    invoked = Guard(Starlette(routes=invoke_api.routes(inspector.function, function)), allowed, programs=True)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if scope["type"] == "http":
            if path.startswith("/_everloop/") or path == "/_everloop":
                await inspected(scope, receive, send)
                return
            if path.startswith("/20") and _is_for_lambda(path, scope["headers"]):
                await invoked(scope, receive, send)
                return
        await gateway(scope, receive, send)

    return app


def _is_for_lambda(path: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell a call of Lambda's API: by what it begins with, or by what an SDK's signature says that it is for."""
    if path.startswith(INVOKED):
        return True
    return any(name == b"authorization" and b"/lambda/aws4_request" in value for name, value in headers)
