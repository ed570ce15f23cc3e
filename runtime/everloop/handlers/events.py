"""Events that are not HTTP: POSTed to a path of the application, or a warm-up ping."""

import json
from typing import Any

import orjson

from everloop.api.reply import Reply
from everloop.errors import EventStatus, MarshalError
from everloop.exchange import HttpRequest, ResponseHead
from everloop.failures import log_failure
from everloop.handlers.answers import KEPT_OF_ERROR_BODY, fit
from everloop.report import ErrorReport

HOST = b"localhost"
"""What the request says that it was sent to: no client named a host."""


def is_warm_up_ping(event: Any) -> bool:
    """Recognise the two pings that are in use: they want an environment to stay warm, and nothing done.

    Sources: https://github.com/robhowley/lambda-warmer-py and https://github.com/juanjoDiaz/serverless-plugin-warmup
    """
    return isinstance(event, dict) and (
        event.get("warmer") is True or event.get("source") == "serverless-plugin-warmup"
    )


def event_request(path: str, payload: bytes) -> HttpRequest:
    """Make the request that brings an event to the application: POST, the event's own bytes as its JSON body."""
    raw_path, _, query = path.partition("?")
    return HttpRequest(
        method="POST",
        path=raw_path,
        raw_path=raw_path.encode("ascii"),
        root_path="",
        query_string=query.encode("ascii"),
        headers=[
            (b"host", HOST),
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(payload)),
        ],
        client=None,
        server=(HOST.decode(), 80),
        scheme="http",
        body=payload,
    )


class EventAnswer:
    """Sends what the application answers to an event as the invocation's result, as it is.

    2xx with JSON is the result, 2xx without a body `null`; any other status fails the invocation, so that Lambda
    retries it or hands it to a dead-letter queue.
    """

    __slots__ = ("_head", "_path", "_pieces", "_reply")

    paused = False
    begun = False
    instead = None

    def __init__(self, reply: Reply, path: str) -> None:
        """`path` is where the event was POSTed to."""
        self._reply = reply
        self._path = path
        self._head: ResponseHead | None = None
        self._pieces: list[bytes] = []

    async def drain(self) -> None:
        """Return at once: nothing is on its way yet."""

    def start(self, head: ResponseHead, body: bytes, more: bool) -> None:
        """Take the head and the first piece of the body."""
        self._head = head
        self.write(body, more)

    def write(self, body: bytes, more: bool) -> None:
        """Take a further piece; with the last one the result is sent."""
        self._pieces.append(body)
        if more:
            return
        assert self._head is not None  # noqa: S101 - a response starts before it ends
        body = b"".join(self._pieces)
        status = self._head.status
        if not 200 <= status < 300:
            text = body[:KEPT_OF_ERROR_BODY].decode("utf-8", "replace")
            hint = _NO_ROUTE.format(path=self._path) if status in (404, 405) else ""
            self._fail(EventStatus(f"The application answered the event with {status}: {text}{hint}"))
        elif not body:
            self._reply.complete(b"null")
        elif is_json(body):
            fit(self._reply, body)
        else:
            self._fail(
                MarshalError(
                    f"The application answered the event with {status} and a body that is not JSON: {body[:200]!r}. "
                    "Expected JSON, which becomes the invocation's result, or an empty body."
                )
            )

    def replace(self, status: int, text: str, report: ErrorReport) -> None:
        """Fail the invocation: nobody would read a page with an error."""
        self._reply.fail(report)

    def _fail(self, error: EventStatus | MarshalError) -> None:
        log_failure(f"{error.error_type}: {error}", error)
        self._reply.fail(ErrorReport.of(error))


_NO_ROUTE = (
    ". The event is not HTTP, so it was POSTed to {path} (EVERLOOP_EVENTS): has the application a route for that? "
    "To try the application by hand, send a whole sample event of an HTTP source."
)
"""What is added for an application that does not know the path."""


def is_json(body: bytes) -> bool:
    """Tell whether Lambda's caller can parse a body."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            json.loads(body)
        except (ValueError, RecursionError):
            return False
    return True
