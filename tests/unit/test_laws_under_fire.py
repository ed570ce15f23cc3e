"""Random legal and illegal steps of applications and of a hostile Runtime API, and the laws that hold all the same.

No invocation is answered twice; none is forgotten; every byte that `send()` took is delivered, in order; a stream ends
without trailers only where it is whole; `send()` waits for the reader and refuses what is wrong; `receive()` tells of
the end when it is there and not before; a task that was cancelled at its deadline ends; afterwards the loop serves as
if nothing had happened. What this cannot see, for it knows one connection's bytes alone, `tests/unit/api` looks at:
answers that wait for the next poll, several tasks that send, five failures in a row.
"""

import asyncio
import base64
import gc
import json
import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from everloop.api.slot import Slot
from everloop.crew import Crew
from everloop.handlers.asgi import AsgiHandler
from everloop.handlers.front import Front
from everloop.wire.runtime_api import RequestEncoder
from support.hostile import HostileApi, Post, VirtualLoop, Wire, deliver, stream_of
from support.obedient import Call
from support.sample_events import function_url, http_api

pytestmark = pytest.mark.timeout(300)  # 6 s, where nobody else wants the processor


@pytest.fixture(autouse=True)
def nothing_but_its_own_is_collected() -> Iterator[None]:
    """Keep what is there from the collector, as the runtime does at start-up: every broken stream has it run."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


SLOTS = 2
TIMEOUT = 10.0
MARGIN = 0.25
APART = 0.03
"""Seconds between events, by the loop's clock: more than a busy machine takes from an event's delivery to its watch."""
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
MORE = {"type": "http.response.body", "more_body": True}
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
FURTHER = st.lists(
    st.builds(lambda body: ({**MORE, "body": body}, True), st.binary(max_size=40)), min_size=1, max_size=3
)
WRONG = st.tuples(st.sampled_from(ILLEGAL), st.booleans())
ENDS = st.sampled_from(["return", "raise", "receive"])
SCRIPTS = st.one_of(
    st.lists(PIECES, min_size=1, max_size=4).map(lambda pieces: [(START, False), *pieces]),
    st.lists(st.one_of(PIECES, st.just("receive")), max_size=4).map(lambda more: ["receive", (START, False), *more]),
    st.lists(st.one_of(PIECES, WRONG, ENDS), max_size=3),
)
"""What an application does next: mostly a start and pieces of a body, else anything at all."""


QUIET = ["pause", "resume", "flutter"]
MISBEHAVIOUR = [*QUIET, "lost", "reset", "half-closed", "garbage", "500", "refuse", "nothing"]


class Complaints(logging.Handler):
    """Keeps what everloop says of its own mistakes; nothing else of the log is looked at, or printed."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "please report this" in record.getMessage():
            self.found.append(str(record.exc_info))


class UnderFire(RuleBasedStateMachine):
    """Two slots, any number of invocations."""

    def __init__(self) -> None:
        super().__init__()
        self.complaints = Complaints()
        logger = logging.getLogger("everloop")
        logger.addHandler(self.complaints)
        logger.propagate = False
        self.loop = VirtualLoop()
        asyncio.set_event_loop(self.loop)
        self.loop.set_exception_handler(self.unhandled)
        self.api = HostileApi()
        self.calls: dict[str, Call] = {}
        self.over: list[object] = []
        self.unhandled_errors: list[Any] = []
        self.poll_failures = [0] * SLOTS
        self.api.on_lost = self.excuse
        self.loop.run_until_complete(self.begin())
        self.settle()

    def unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.unhandled_errors.append(context)

    async def begin(self) -> None:
        handler = AsgiHandler(self.app, {}, Front(streaming=True))
        crew = Crew(handler, None, self.over.append)
        on_lost: Any = self.over.append
        encoder = RequestEncoder("runtime.test", "under-fire")
        connects = [partial(self.api.connect, number) for number in range(SLOTS)]
        self.slots = [Slot(connect, encoder, crew.accept, on_lost) for connect in connects]
        for slot in self.slots:
            slot.poll()

    def settle(self) -> None:
        self.loop.turn()
        self.api.read()
        for wire in self.api.lost_wires:
            for call in self.on(wire):
                call.cut = call.gone
        self.api.lost_wires.clear()
        self.loop.turn()
        self.api.read()

    def excuse(self, wire: Wire) -> None:
        """Forgive the invocations whose answers can no longer come on a connection."""
        for call in self.on(wire):
            call.excused = True
            call.gone = not any(post.complete for post, _ in self.posts(call))

    def on(self, wire: Wire) -> list[Call]:
        """The invocations that are answered, or are to be answered, on a connection."""
        found = []
        for call in self.calls.values():
            posts = self.posts(call)
            if posts:
                here = posts[0][1] is wire
            elif call.moved:
                later = self.api.wires.index(wire) > self.api.wires.index(call.wire)
                here = later and wire.slot == call.wire.slot
            else:
                here = wire is call.wire and wire.request_id == call.request_id
            if here:
                found.append(call)
        return found

    def paused(self, call: Call) -> bool:
        return call.wire.paused and not (call.moved or call.buffered)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        await self.calls[scope["aws.context"].aws_request_id].run(receive, send)

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
        buffered=st.sampled_from([False, False, True]),
    )
    def delivers(
        self, data: st.DataObject, method: str, pieces: int, close: bool, script: list[Any], buffered: bool
    ) -> None:
        """An event, whole or in pieces, to an application that knows what to do first."""
        call = self.deliver(self.pick(data, self.api.polls), method, pieces, close, buffered)
        self.follow(call, script)

    def deliver(self, wire: Wire, method: str, pieces: int, close: bool = False, buffered: bool = False) -> Call:
        # Deadlines count real time: of two events at the same moment, one would be stopped first in one run, the other
        # in the next.
        self.loop.pass_time(APART)
        call = self.make_call(wire, method, True, close, buffered)
        event = http_api(method=method) if buffered else function_url(method=method)
        deliver(wire, call.request_id, json.dumps(event).encode(), TIMEOUT, pieces, close)
        self.settle()
        return call

    def make_call(
        self, wire: Wire, method: str = "GET", is_http: bool = True, moved: bool = False, buffered: bool = False
    ) -> Call:
        call = Call(
            request_id=f"request-{len(self.calls)}",
            method=method,
            is_http=is_http,
            wire=wire,
            moved=moved,
            refused_before=self.api.refused[wire.slot],
            buffered=buffered,
            stop_at=self.loop.time() + TIMEOUT - MARGIN,
            paused=self.paused,
        )
        self.calls[call.request_id] = call
        # An event that is taken makes up for all polls that failed, but for those that are still going to.
        self.poll_failures[wire.slot] = self.api.refusals
        return call

    @precondition(lambda self: self.api.polls)
    @rule(data=st.data(), event=st.sampled_from([b"", b"{", b"[]", b'{"version": "2.0"}', b"\xff"]))
    def delivers_nonsense(self, data: st.DataObject, event: bytes) -> None:
        wire = self.pick(data, self.api.polls)
        deliver(wire, self.make_call(wire, is_http=False).request_id, event, TIMEOUT)
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
        how=st.sampled_from(
            ["pause", "resume", "flutter", "lost", "reset", "half-closed", "garbage", "500", "refuse", "nothing"]
        ),
    )
    def misbehaves(self, data: st.DataObject, how: str) -> None:
        """It stops to read, reads again, ends a connection in one of four ways, refuses a poll or a connection."""
        wire = self.pick(data, self.api.open)
        if how == "refuse" or (how == "500" and wire.polling) or (how not in QUIET and not wire.request_id):
            if max(self.poll_failures) >= 3:
                return  # five failures in a row end the process
            for slot in range(SLOTS) if how == "refuse" else (wire.slot,):
                self.poll_failures[slot] += 1
        match how:
            case "pause":
                wire.pause(True)
            case "resume":
                wire.pause(False)
            case "flutter":
                wire.pause(False)
                wire.pause(True)
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
        assert wire.gone or how not in ("lost", "reset", "half-closed", "garbage"), "the connection is of no more use"

    @precondition(lambda self: self.api.polls)
    @rule(
        data=st.data(),
        begun=FURTHER,
        fate=st.sampled_from(["stalls", "stalls and reads on", "stalls and breaks", "stalls too long", "fails"]),
        further=FURTHER,
        end=st.sampled_from(["raise", "return", None]),
    )
    def streams(self, data: st.DataObject, begun: list[Any], fate: str, further: list[Any], end: str | None) -> None:
        """A stream that certainly begins, and what certainly befalls it: the other steps come to this too seldom."""
        call = self.deliver(self.pick(data, self.api.polls), "GET", 1)
        call.wire.pause(False)
        self.follow(call, [(START, False), *begun])
        assert call.state == "BODY"
        if fate == "fails":
            self.follow(call, [*further, end or "raise"])
            return
        call.wire.pause(True)
        self.follow(call, further)
        assert call.sending, "send() waits for the reader"
        match fate:
            case "stalls and reads on":
                call.wire.pause(False)
            case "stalls and breaks":
                call.wire.drop(None)
            case "stalls too long":
                self.loop.pass_time(TIMEOUT)
        self.settle()
        if end:
            self.follow(call, [end])

    @precondition(lambda self: self.heard)
    @rule(data=st.data(), first=st.sampled_from(["receive", None]), script=SCRIPTS)
    def breaks_off(self, data: st.DataObject, first: Any, script: list[Any]) -> None:
        """The connection of a stream ends, perhaps while its application waits for just that; then it goes on."""
        call = self.pick(data, self.heard)
        self.follow(call, [first, first] if first else [])
        call.wire.drop(None)
        self.settle()
        self.follow(call, script)

    @property
    def heard(self) -> list[Call]:
        """Streams in the middle, on the connection that they came on."""
        return [call for call in self.running if call.state == "BODY" and not (call.moved or call.wire.gone)]

    @rule(seconds=st.sampled_from([0.05, 0.15, 0.15, 1.0, 9.8]))
    def time_passes(self, seconds: float) -> None:
        self.loop.pass_time(seconds)
        self.settle()

    @precondition(lambda self: self.running)
    @rule(data=st.data(), script=SCRIPTS)
    def overstays(self, data: st.DataObject, script: list[Any]) -> None:
        """An application that ignores its cancellation is given up, and then goes on."""
        call = self.pick(data, self.heard or self.running)
        call.stubborn = True
        self.loop.pass_time(TIMEOUT)
        self.settle()
        self.follow(call, script)

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
                if post.kind != "response" or not post.content or (call.buffered and not post.complete):
                    continue
                prelude, body = envelope_of(post) if call.buffered else stream_of(post)
                if prelude["statusCode"] != 200:
                    assert body in (b"Internal Server Error", b"Gateway Timeout"), call
                    assert call.buffered or not call.taken, call
                    continue
                assert call.begun or call.unsure is not None, "the head waits for the first piece of the body"
                if call.method == "HEAD":
                    assert body == b"", call
                elif wire.gone or call.cut or call.excused:
                    assert call.possible()[1].startswith(body), call
                else:
                    assert body in call.possible(), call
                if post.complete and not post.trailers and call.method != "HEAD":
                    assert call.whole or call.offered or call.stubborn, call

    @invariant()
    def applications_get_what_they_are_owed(self) -> None:
        for call in self.calls.values():
            assert call.broken_laws == [], call
            over_time = self.loop.time() > call.stop_at + 0.15
            assert not call.cut or not (call.sending or call.receiving), "who waits learns of the break"
            assert not over_time or call.ended or call.stubborn or call.answered or not call.started, call

    @invariant()
    def nothing_waits_in_this_process_while_it_streams(self) -> None:
        for call in self.calls.values():
            for post, wire in self.posts(call):
                streaming = post.streamed and not post.complete
                assert wire.write_through or not streaming or wire.gone, call
        assert not any(wire.write_through for wire in self.api.polls)

    @invariant()
    def nobody_gives_up(self) -> None:
        assert self.over == []
        assert self.unhandled_errors == []
        assert self.complaints.found == []

    def teardown(self) -> None:
        try:
            self.nothing_is_forgotten()
            self.the_loop_serves()
        finally:
            for slot in self.slots:
                self.loop.create_task(slot.close())
            self.loop.turn()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.turn()
            self.loop.close()
            asyncio.set_event_loop(None)
            logger = logging.getLogger("everloop")
            logger.removeHandler(self.complaints)
            logger.propagate = True

    def nothing_is_forgotten(self) -> None:
        self.api.refusals = 0
        for wire in self.api.open:
            wire.pause(False)
        self.loop.pass_time(TIMEOUT + 5)
        self.settle()
        self.answer_all()
        # Also where an application is stubborn: it was given up at its deadline.
        assert len(self.api.polls) == SLOTS, self.api.wires
        for call in self.running:
            call.steps.put_nowait("return")
        self.answer_all()
        for call in self.calls.values():
            answered = [post for post, _ in self.posts(call) if post.complete]
            refused = call.moved and self.api.refused[call.wire.slot] > call.refused_before
            assert answered or call.excused or refused, call
        self.nothing_is_answered_twice()
        self.what_was_taken_is_delivered_in_order()
        self.applications_get_what_they_are_owed()

    def answer_all(self) -> None:
        for _ in range(3):
            for wire in self.unanswered():
                wire.respond(202, {}, b"{}")
            self.loop.pass_time(2)
            self.settle()

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


def envelope_of(post: Post) -> tuple[dict[str, Any], bytes]:
    """The envelope and the body of a buffered answer."""
    envelope = json.loads(post.content)
    body = envelope.get("body") or ""
    return envelope, base64.b64decode(body) if envelope.get("isBase64Encoded") else body.encode()


UnderFire.TestCase.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestUnderFire = UnderFire.TestCase
