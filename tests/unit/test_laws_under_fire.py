"""Random legal and illegal steps of applications and of a hostile Runtime API, and the laws that hold all the same.

No invocation is answered twice; none is forgotten; every byte that `send()` took is delivered, in order; a stream ends
without trailers only where it is whole; afterwards the loop serves as if nothing had happened.
"""

import asyncio
import json
import logging
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from everloop.api.slot import Slot
from everloop.crew import Crew
from everloop.handlers.asgi import AsgiHandler
from everloop.handlers.front import Front
from everloop.wire.runtime_api import RequestEncoder
from support.hostile import HostileApi, Post, VirtualLoop, Wire, deliver, stream_of
from support.sample_events import function_url

SLOTS = 2
TIMEOUT = 10.0
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
ILLEGAL: list[Any] = [
    {},
    {"type": "http.response.trailers"},
    {"type": "http.response.pathsend", "path": "/nowhere/at-all"},
    {"type": "websocket.send"},
    {"type": "http.response.start", "status": "200"},
    {"type": "http.response.body", "body": "text"},
    None,
]


PIECES = st.builds(
    lambda body, more: ({"type": "http.response.body", "body": body, "more_body": more}, True),
    st.binary(max_size=40),
    st.sampled_from([True, True, False]),
)
WRONG = st.tuples(st.sampled_from(ILLEGAL), st.booleans())
ENDS = st.sampled_from(["return", "raise", "receive"])
SCRIPTS = st.one_of(
    st.lists(PIECES, min_size=1, max_size=4).map(lambda pieces: [(START, False), *pieces]),
    st.lists(st.one_of(PIECES, WRONG, ENDS), max_size=3),
)
"""What an application does next: mostly a start and pieces of a body, else anything at all."""


class Whim(Exception):
    """What the applications raise."""


@dataclass(eq=False)
class Call:
    """One invocation, from its delivery on: what its application did and what was taken."""

    request_id: str
    method: str
    is_http: bool
    moved: bool
    """Delivered with `Connection: close`: answered on another connection."""

    steps: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    taken: bytearray = field(default_factory=bytearray)
    offered: bytes = b""
    """What a `send()` that has not returned yet was given."""
    unsure: bytes | None = None
    """What the first `send()` was given that raised OSError: it may have left before the break."""
    whole: bool = False
    ended: bool = False
    stubborn: bool = False
    excused: bool = False
    """Nobody can ask for an answer: the other side refused it or went away."""
    cut: bool = False
    """The connection broke before the answer was complete: whatever is sent from now on raises."""


class UnderFire(RuleBasedStateMachine):
    """Two slots, any number of invocations."""

    def __init__(self) -> None:
        super().__init__()
        logging.disable(logging.CRITICAL)
        self.loop = VirtualLoop()
        asyncio.set_event_loop(self.loop)
        self.loop.set_exception_handler(self.unhandled)
        self.api = HostileApi()
        self.calls: dict[str, Call] = {}
        self.over: list[object] = []
        self.unhandled_errors: list[Any] = []
        self.poll_failures = 0
        self.loop.run_until_complete(self.begin())
        self.settle()

    def unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.unhandled_errors.append(context)

    async def begin(self) -> None:
        handler = AsgiHandler(self.app, {}, Front(streaming=True))
        crew = Crew(handler, None, self.over.append)
        on_lost: Any = self.over.append
        encoder = RequestEncoder("runtime.test", "under-fire")
        self.slots = [Slot(self.api.connect, encoder, crew.accept, on_lost) for _ in range(SLOTS)]
        for slot in self.slots:
            slot.poll()

    def settle(self) -> None:
        self.loop.turn()
        self.api.read()
        for wire in self.api.lost_wires:
            self.excuse(wire)
        self.api.lost_wires.clear()
        self.loop.turn()
        self.api.read()

    def excuse(self, wire: Wire) -> None:
        """Forgive the invocations whose answers can no longer come on a connection."""
        for call in self.calls.values():
            here = [post for post, where in self.api.posts.get(call.request_id, ()) if where is wire]
            if here or (wire.request_id == call.request_id and not call.moved):
                complete = bool(here) and here[0].complete
                call.excused = True
                call.cut = call.cut or not complete
            elif call.moved:
                call.excused = True

    # The application.

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        call = self.calls[scope["aws.context"].aws_request_id]
        try:
            await self.obey(call, receive, send)
        finally:
            call.ended = True

    async def obey(self, call: Call, receive: Any, send: Any) -> None:
        while True:
            try:
                step = await call.steps.get()
                if step == "return":
                    return
                if step == "raise":
                    raise Whim
                if step == "receive":
                    await asyncio.wait_for(receive(), 0.01)
                else:
                    await self.send(call, send, *step)
            except TimeoutError:
                pass
            except asyncio.CancelledError:
                if not call.stubborn:
                    raise

    async def send(self, call: Call, send: Any, message: Any, escapes: bool) -> None:
        is_body = isinstance(message, dict) and message.get("type") == "http.response.body"
        data = message.get("body", b"") if is_body else b""
        call.offered = data if isinstance(data, bytes) else b""
        cut = call.cut
        try:
            await send(message)
        except Exception as error:
            if isinstance(error, OSError) and call.unsure is None:
                call.unsure = call.offered
            call.offered = b""
            if escapes:
                raise
            return
        except asyncio.CancelledError:
            # It was written before it had to wait: not acknowledged, and there all the same.
            call.taken += call.offered
            call.offered = b""
            raise
        assert not cut, "a send after the break has to raise"
        call.taken += call.offered
        call.offered = b""
        if is_body and not message.get("more_body", False):
            call.whole = True

    def pick(self, data: st.DataObject, among: list[Any]) -> Any:
        return among[data.draw(st.integers(0, len(among) - 1))]

    @property
    def running(self) -> list[Call]:
        return [call for call in self.calls.values() if call.is_http and not call.ended]

    # The steps of the Runtime API.

    @precondition(lambda self: self.api.polls)
    @rule(
        data=st.data(),
        method=st.sampled_from(["GET", "GET", "HEAD"]),
        pieces=st.integers(1, 5),
        close=st.sampled_from([False, False, True]),
        script=SCRIPTS,
    )
    def delivers(self, data: st.DataObject, method: str, pieces: int, close: bool, script: list[Any]) -> None:
        """An event, whole or in pieces, to an application that knows what to do first."""
        call = self.deliver(self.pick(data, self.api.polls), method, pieces, close)
        self.follow(call, script)

    def deliver(self, wire: Wire, method: str, pieces: int, close: bool = False) -> Call:
        call = Call(f"request-{len(self.calls)}", method, True, close)
        self.calls[call.request_id] = call
        event = json.dumps(function_url(method=method)).encode()
        deliver(wire, call.request_id, event, TIMEOUT, pieces, close)
        self.settle()
        return call

    @precondition(lambda self: self.api.polls)
    @rule(data=st.data(), event=st.sampled_from([b"", b"{", b"[]", b'{"version": "2.0"}', b"\xff"]))
    def delivers_nonsense(self, data: st.DataObject, event: bytes) -> None:
        call = Call(f"request-{len(self.calls)}", "GET", False, False)
        self.calls[call.request_id] = call
        deliver(self.pick(data, self.api.polls), call.request_id, event, TIMEOUT)
        self.settle()

    @precondition(lambda self: self.unanswered())
    @rule(data=st.data(), status=st.sampled_from([202, 202, 202, 400, 403, 410, 413]), close=st.booleans())
    def answers(self, data: st.DataObject, status: int, close: bool) -> None:
        """A whole answer is taken, or refused after all; or one that is still being written is refused."""
        wire = self.pick(data, self.unanswered())
        if not wire.post.complete:
            status = 413 if status == 202 else status
            for call in self.calls.values():
                call.excused = call.excused or any(post is wire.post for post, _ in self.posts(call))
        wire.respond(status, {}, b'{"errorType":"Whim"}', close=close)
        self.settle()

    def unanswered(self) -> list[Wire]:
        return [wire for wire in self.api.open if wire.post is not None and not wire.polling and not wire.post_answered]

    @precondition(lambda self: self.api.open)
    @rule(
        data=st.data(),
        how=st.sampled_from(["pause", "resume", "lost", "reset", "half-closed", "garbage", "500", "refuse", "nothing"]),
    )
    def misbehaves(self, data: st.DataObject, how: str) -> None:
        """It stops to read, reads again, ends a connection in one of four ways, refuses a poll or a connection."""
        wire = self.pick(data, self.api.open)
        if (
            how == "refuse"
            or (how == "500" and wire.polling)
            or (how not in ("pause", "resume") and not wire.request_id)
        ):
            if self.poll_failures >= 3:
                return  # five failures in a row end the process
            self.poll_failures += 1
        match how:
            case "pause":
                wire.pause(True)
            case "resume":
                wire.pause(False)
            case "lost":
                wire.drop(None)
            case "reset":
                wire.drop(ConnectionResetError("by the test"))
            case "half-closed":
                wire.half_close()
            case "garbage":
                wire.garbage()
            case "500" if wire.polling:
                wire.respond(500, {}, b"{}")
            case "refuse":
                self.api.refusals += 1
        self.settle()

    @rule(seconds=st.sampled_from([0.05, 0.15, 0.15, 1.0, 9.8]))
    def time_passes(self, seconds: float) -> None:
        self.loop.pass_time(seconds)
        self.settle()

    # The steps of the applications.

    @precondition(lambda self: self.running)
    @rule(data=st.data(), script=SCRIPTS, stubborn=st.sampled_from([False, False, False, True]))
    def goes_on(self, data: st.DataObject, script: list[Any], stubborn: bool) -> None:
        """An application does more; a stubborn one ignores from now on that it is cancelled."""
        call = self.pick(data, self.running)
        call.stubborn = call.stubborn or stubborn
        self.follow(call, script)

    def follow(self, call: Call, script: list[Any]) -> None:
        for step in script:
            call.steps.put_nowait(step)
        self.settle()

    # The laws.

    def possible(self, call: Call) -> list[bytes]:
        """The bodies that may be on the wire."""
        return [bytes(call.taken), bytes(call.taken + (call.offered or call.unsure or b""))]

    def posts(self, call: Call) -> list[tuple[Post, Wire]]:
        return self.api.posts.get(call.request_id, [])

    @invariant()
    def nothing_is_answered_twice(self) -> None:
        for call in self.calls.values():
            assert len(self.posts(call)) <= 1, call

    @invariant()
    def what_was_taken_is_delivered_in_order(self) -> None:
        for call in self.calls.values():
            for post, wire in self.posts(call):
                if post.kind != "response" or not post.content:
                    continue
                prelude, body = stream_of(post)
                if prelude["statusCode"] != 200:
                    assert body in (b"Internal Server Error", b"Gateway Timeout"), call
                    assert not call.taken, call
                elif call.method == "HEAD":
                    assert body == b"", call
                elif wire.gone or call.cut or call.excused:
                    assert self.possible(call)[1].startswith(body), call
                else:
                    assert body in self.possible(call), call
                if post.complete and not post.trailers and prelude["statusCode"] == 200 and call.method != "HEAD":
                    assert call.whole or call.offered or call.stubborn, call

    @invariant()
    def nobody_gives_up(self) -> None:
        assert self.over == []
        assert self.unhandled_errors == []

    def teardown(self) -> None:
        try:
            self.nothing_is_forgotten()
            self.the_loop_serves()
        finally:
            for slot in self.slots:
                self.loop.run_until_complete(slot.close())
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.turn()
            self.loop.close()
            asyncio.set_event_loop(None)
            logging.disable(logging.NOTSET)

    def nothing_is_forgotten(self) -> None:
        self.api.refusals = 0
        for wire in self.api.open:
            wire.pause(False)
        self.loop.pass_time(TIMEOUT + 5)
        self.settle()
        for call in self.running:
            call.steps.put_nowait("return")
        for _ in range(3):
            for wire in self.unanswered():
                wire.respond(202, {}, b"{}")
            self.loop.pass_time(2)
            self.settle()
        for call in self.calls.values():
            answered = [post for post, _ in self.posts(call) if post.complete]
            assert answered or call.excused or (call.moved and self.api.refused), call
        self.nothing_is_answered_twice()
        self.what_was_taken_is_delivered_in_order()

    def the_loop_serves(self) -> None:
        assert len(self.api.polls) == SLOTS, self.api.wires
        for wire in list(self.api.polls):
            call = self.deliver(wire, "GET", 1)
            for message in (START, {"type": "http.response.body", "body": b"fine"}):
                call.steps.put_nowait((message, True))
            call.steps.put_nowait("return")
            self.settle()
            [(post, _)] = self.posts(call)
            assert post.complete
            assert stream_of(post)[1] == b"fine"
            wire.respond(202, {}, b"{}")
            self.settle()
        assert len(self.api.polls) == SLOTS
        self.nobody_gives_up()


UnderFire.TestCase.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestUnderFire = UnderFire.TestCase
