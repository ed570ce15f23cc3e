"""An application under Sentry, by the recipe of docs/observability.md; its transport works in a thread, as Sentry's."""

import time
from typing import Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from sentry_sdk.transport import Transport
from sentry_sdk.worker import BackgroundWorker

import everloop
from messages import body, no_lifespan, start


class Telling(Transport):
    """Sends an envelope by writing a line, a while later."""

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self._worker = BackgroundWorker()

    def capture_envelope(self, envelope: Envelope) -> None:
        """Send it in the background."""

        def send() -> None:
            time.sleep(0.1)
            event = envelope.get_event()
            kind = event["exception"]["values"][0]["type"] if event and "exception" in event else envelope.headers
            print(f"sentry got {kind}", flush=True)

        self._worker.submit(send)

    def flush(self, timeout: float, callback: Any = None) -> None:
        """Wait until all is sent."""
        self._worker.flush(timeout, callback)

    def kill(self) -> None:
        """End the thread."""
        self._worker.kill()


sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=Telling, default_integrations=False)


@everloop.after_response(timeout=2)
def flush() -> None:
    sentry_sdk.flush(timeout=1.5)


async def inner(scope: Any, receive: Any, send: Any) -> None:
    await no_lifespan(scope)
    if scope["path"] == "/raise":
        raise LookupError("no such order")
    await send(start())
    await send(body(b"fine"))


app = SentryAsgiMiddleware(inner)
