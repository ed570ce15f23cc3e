"""Streams by a clock that the test moves: the steps of a deadline to the millisecond, and 15 minutes of silence."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from everloop.api.slot import Slot
from everloop.asgi.types import Application, Receive, Scope, Send
from everloop.crew import Crew
from everloop.handlers.asgi import AsgiHandler
from everloop.handlers.front import Front
from everloop.wire.runtime_api import RequestEncoder
from support.hostile import HostileApi, Post, VirtualLoop, deliver, stream_of
from support.sample_events import function_url

START = {"type": "http.response.start", "status": 200, "headers": []}
HALF = {"type": "http.response.body", "body": b"half", "more_body": True}
MINUTE = 60.0
MARGIN = 0.25


class Lambda:
    """One slot that serves an application, and its Runtime API, on a loop whose clock is the test's."""

    def __init__(self, loop: VirtualLoop, app: Application) -> None:
        self.loop = loop
        self.api = HostileApi()
        self.over: list[object] = []
        loop.run_until_complete(self._begin(app))
        self.settle()

    async def _begin(self, app: Application) -> None:
        crew = Crew(AsgiHandler(app, {}, Front(streaming=True), deadline_margin=MARGIN), None, self.over.append)
        on_lost: Any = self.over.append
        self.slot = Slot(self.api.connect, RequestEncoder("runtime.test", "in-time"), crew.accept, on_lost)
        self.slot.poll()

    def settle(self) -> None:
        self.loop.turn()
        self.api.read()

    def pass_time(self, seconds: float) -> None:
        self.loop.pass_time(seconds)
        self.settle()

    def invoke(self, request_id: str, timeout: float) -> Post:
        """Deliver an event, whose answer must begin at once."""
        deliver(self.api.polls[0], request_id, json.dumps(function_url()).encode(), timeout)
        self.settle()
        [(post, _)] = self.api.posts[request_id]
        return post

    def accept(self) -> None:
        """Take the answer that is complete; the slot must poll, on the connection that it has."""
        self.api.wires[0].respond(202, {}, b"{}")
        self.settle()
        assert self.api.polls == self.api.wires
        assert len(self.api.wires) == 1
        assert self.over == []


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    yield loop
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.turn()
    loop.close()
    asyncio.set_event_loop(None)


def failure(post: Post) -> tuple[str, bytes]:
    """The type in the trailers, whose body must say the same, and what had come of the stream before."""
    error_type = post.trailers[b"lambda-runtime-function-error-type"].decode()
    error = json.loads(base64.b64decode(post.trailers[b"lambda-runtime-function-error-body"], validate=True))
    assert error["errorType"] == error_type
    return error_type, stream_of(post)[1]


class Stopped:
    """An application that is stopped in mid-stream; its `finally` takes `cleaning` seconds. It notes what came when."""

    def __init__(self, cleaning: float) -> None:
        self.at: dict[str, float] = {}
        self.cleaning = cleaning

    def note(self, what: str) -> None:
        self.at[what] = asyncio.get_running_loop().time()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(START)
        await send(HALF)
        try:
            self.note((await receive())["type"])
            await asyncio.sleep(MINUTE)
        finally:
            self.note("cancelled")
            await asyncio.sleep(self.cleaning)
            self.note("cleaned")


def test_a_finally_has_100_ms(loop: VirtualLoop) -> None:
    """Told, cancelled after 100 ms, and a `finally` of 99 ms is done before the trailers leave and the slot polls."""
    app = Stopped(0.099)
    served = Lambda(loop, app)
    begun = loop.time()
    post = served.invoke("request-1", 10)
    served.pass_time(10 - MARGIN + 0.21)
    assert failure(post) == ("Runtime.DeadlineExceeded", b"half")
    told, cancelled, cleaned = app.at["http.disconnect"], app.at["cancelled"], app.at["cleaned"]
    # The deadline is a time of day: the test's own slowness makes it come earlier, and never later.
    assert 8 < told - begun <= 10 - MARGIN
    assert cancelled - told == pytest.approx(0.1)
    assert cleaned - cancelled == pytest.approx(0.099)
    served.accept()


def test_a_finally_that_takes_longer_is_left_to_itself(loop: VirtualLoop) -> None:
    """After 100 ms the trailers leave and the slot polls; the `finally` goes on, and disturbs nothing."""
    app = Stopped(2.0)
    served = Lambda(loop, app)
    post = served.invoke("request-1", 10)
    served.pass_time(10 - MARGIN + 0.21)
    assert failure(post) == ("Runtime.DeadlineExceeded", b"half")
    assert "cleaned" not in app.at
    served.accept()
    app.cleaning = 0.0
    following = served.invoke("request-2", 10)
    served.pass_time(3)
    assert app.at["cleaned"] - app.at["cancelled"] == pytest.approx(2.0)
    assert (following.complete, stream_of(following)[1]) == (False, b"half")
    served.pass_time(10)
    assert failure(following) == ("Runtime.DeadlineExceeded", b"half")
    served.accept()


async def comments(count: int) -> AsyncIterator[bytes]:
    yield b"data: begins\n\n"
    for _ in range(count):
        await asyncio.sleep(15)
        yield b": keep-alive\n\n"


def silent(count: int, *middleware: Middleware) -> Starlette:
    async def stream(request: Request) -> Response:
        return StreamingResponse(comments(count), media_type="text/event-stream")

    return Starlette(routes=[Route("/", stream)], middleware=middleware)


async def passes_on(request: Request, call_next: RequestResponseEndpoint) -> Response:
    return await call_next(request)


@pytest.mark.parametrize("middleware", [(), (Middleware(BaseHTTPMiddleware, dispatch=passes_on),)])
def test_a_stream_of_15_minutes(loop: VirtualLoop, middleware: tuple[Middleware, ...]) -> None:
    """A comment every 15 s and nothing else: each leaves when it is made, and the stream is whole in the end."""
    served = Lambda(loop, silent(59, *middleware))
    post = served.invoke("request-1", 15 * MINUTE)
    for number in range(59):
        assert (post.complete, stream_of(post)[1].count(b": keep-alive\n\n")) == (False, number)
        served.pass_time(15)
    assert post.complete
    assert post.trailers == {}
    assert stream_of(post)[1] == b"data: begins\n\n" + b": keep-alive\n\n" * 59
    served.accept()


def test_a_stream_that_would_go_on_for_longer(loop: VirtualLoop) -> None:
    """The deadline of the function ends it, with what had come and trailers."""
    served = Lambda(loop, silent(1000))
    post = served.invoke("request-1", 15 * MINUTE)
    served.pass_time(15 * MINUTE - 10)
    assert not post.complete
    served.pass_time(10)
    assert failure(post) == ("Runtime.DeadlineExceeded", b"data: begins\n\n" + b": keep-alive\n\n" * 59)
    served.accept()
