"""One request and its response: what may be sent when, and what the other side is told of it."""

import asyncio
from http import HTTPStatus
from typing import Any

import pytest

from everloop.asgi.cycle import CycleState, RequestCycle
from everloop.errors import ClientDisconnected, ProtocolError
from support.sinks import RecordingSink

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
HEAD = [("content-type", "text/plain")]
LAST = {"type": "http.response.body", "body": b"end"}
MORE = {"type": "http.response.body", "body": b"some", "more_body": True}
DISCONNECT = {"type": "http.disconnect"}

pytestmark = pytest.mark.anyio


@pytest.fixture
def sink() -> RecordingSink:
    return RecordingSink()


async def sent(sink: RecordingSink, *messages: dict[str, Any], method: str = "GET") -> RequestCycle:
    cycle = RequestCycle(method, b"", sink)
    for message in messages:
        await cycle.send(message)
    return cycle


async def test_nothing_leaves_before_the_first_body_message(sink: RecordingSink) -> None:
    """The ASGI rule: the head is held back until there is a body."""
    cycle = await sent(sink, START)

    assert sink.told == []
    assert cycle.state is CycleState.HEAD
    assert not cycle.delivered


async def test_a_response_in_one_piece(sink: RecordingSink) -> None:
    """Head and body leave together."""
    cycle = await sent(sink, START, LAST)

    assert sink.told == [("start", 200, HEAD, b"end", False)]
    assert cycle.state is CycleState.COMPLETE
    assert cycle.delivered


async def test_a_response_in_many_pieces(sink: RecordingSink) -> None:
    """Every message leaves at once."""
    cycle = await sent(sink, START, MORE)
    assert sink.told == [("start", 200, HEAD, b"some", True)]
    assert not cycle.delivered

    await cycle.send(MORE)
    await cycle.send(LAST)
    assert sink.told[1:] == [("write", b"some", True), ("write", b"end", False)]


async def test_an_empty_first_message_sends_the_head_alone(sink: RecordingSink) -> None:
    """How an application flushes its head before it has a body."""
    await sent(sink, START, {"type": "http.response.body", "more_body": True})

    assert sink.told == [("start", 200, HEAD, b"", True)]


async def test_fields_that_may_be_absent_have_their_defaults(sink: RecordingSink) -> None:
    """No headers, no body, nothing more."""
    await sent(sink, {"type": "http.response.start", "status": 204}, {"type": "http.response.body"})

    assert sink.told == [("start", 204, [], b"", False)]


WRONG = [
    ([], LAST, "REQUEST"),
    ([], {"type": "http.response.trailers"}, "REQUEST"),
    ([], {}, "REQUEST"),
    ([START], START, "HEAD"),
    ([START], {"type": "websocket.send", "text": "hi"}, "HEAD"),
    ([START, MORE], START, "BODY"),
    ([START, LAST], START, "COMPLETE"),
    ([START, LAST], LAST, "COMPLETE"),
]


@pytest.mark.parametrize(("before", "message", "state"), WRONG)
async def test_a_message_that_is_wrong_here_names_itself_and_the_state(
    sink: RecordingSink, before: list[dict[str, Any]], message: dict[str, Any], state: str
) -> None:
    """Two starts, a body before the start, anything after the end, unknown types."""
    cycle = await sent(sink, *before)
    told = list(sink.told)

    with pytest.raises(ProtocolError) as caught:
        await cycle.send(message)

    assert repr(message.get("type")) in str(caught.value)
    assert state in str(caught.value)
    assert sink.told == told, "nothing of it reaches the client"
    assert cycle.state is CycleState[state]


@pytest.mark.parametrize("status", [None, "200", 99, 1000, 20.5, True, b"200"])
async def test_a_wrong_status_is_named(sink: RecordingSink, status: object) -> None:
    """The application learns it from its own `send()`."""
    with pytest.raises(ProtocolError, match="status"):
        await sent(sink, {"type": "http.response.start", "status": status})


async def test_a_status_may_be_of_the_standard_librarys_enum(sink: RecordingSink) -> None:
    """`HTTPStatus.CREATED` is an int, and frameworks pass it on as it is."""
    await sent(sink, {"type": "http.response.start", "status": HTTPStatus.CREATED}, LAST)

    assert sink.told == [("start", 201, [], b"end", False)]


@pytest.mark.parametrize(
    "headers", [None, 5, [b"name"], [("name", "value")], [(b"name", "value")], [(b"a", b"b", b"c")], {"a": "b"}]
)
async def test_wrong_headers_are_named(sink: RecordingSink, headers: object) -> None:
    """Headers are pairs of bytes."""
    with pytest.raises(ProtocolError, match="headers"):
        await sent(sink, {"type": "http.response.start", "status": 200, "headers": headers})


@pytest.mark.parametrize("body", [None, "text", 5, ["x"]])
async def test_a_wrong_body_is_named(sink: RecordingSink, body: object) -> None:
    """A body is bytes, and text is a mistake that would cost an encoding."""
    cycle = await sent(sink, START)

    with pytest.raises(ProtocolError, match="body"):
        await cycle.send({"type": "http.response.body", "body": body})
    assert sink.told == []


@pytest.mark.parametrize("body", [bytearray(b"ab"), memoryview(b"ab")])
async def test_bodies_that_are_like_bytes_are_taken(sink: RecordingSink, body: Any) -> None:
    """They are copied, so that the application may use its buffer again."""
    await sent(sink, START, {"type": "http.response.body", "body": body})

    assert sink.told == [("start", 200, HEAD, b"ab", False)]
    assert type(sink.told[0][3]) is bytes


async def test_headers_become_text_in_lower_case_and_in_order(sink: RecordingSink) -> None:
    """Duplicates stay, hop-by-hop headers go, bytes beyond ASCII are latin-1; any iterable will do."""
    pairs = (
        (b"X-One", b"1"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Set-Cookie", b"a=1"),
        (b"connection", b"close"),
        (b"set-cookie", b"b=2"),
        (b"Keep-Alive", b"timeout=5"),
        (b"x-city", "Zürich".encode("latin-1")),
        (b"content-length", b"3"),
    )
    await sent(sink, {"type": "http.response.start", "status": 200, "headers": iter(pairs)}, LAST)

    assert sink.told[0][2] == [
        ("x-one", "1"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("x-city", "Zürich"),
        ("content-length", "3"),
    ]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304), ("HEAD", 404)])
async def test_what_has_no_body_is_complete_with_the_first_body_message(
    sink: RecordingSink, method: str, status: int
) -> None:
    """The client waits for nothing; what the application still sends is dropped."""
    cycle = await sent(sink, START | {"status": status}, MORE, method=method)
    assert cycle.delivered

    await cycle.send(MORE)
    await cycle.send(LAST)
    assert sink.told == [("start", status, HEAD, b"", False)]
    assert cycle.state is CycleState.COMPLETE


def long(length: int) -> dict[str, Any]:
    return START | {"headers": [(b"content-length", b"%d" % length)]}


EMPTY = {"type": "http.response.body"}


@pytest.mark.parametrize(
    ("streamed", "messages"),
    [
        (True, (LAST,)),
        (True, (EMPTY,)),
        (False, (EMPTY,)),
        (True, (MORE, LAST)),
        (True, (MORE, MORE, EMPTY)),
        (False, (MORE, LAST)),
        (False, (MORE, MORE, EMPTY)),
    ],
)
async def test_a_body_that_is_shorter_than_announced_never_looks_whole(
    sink: RecordingSink, messages: tuple[dict[str, Any], ...], *, streamed: bool
) -> None:
    """The client is told another length, so only a failure can tell it; the last message is what fails."""
    size = sum(len(message.get("body", b"")) for message in messages)
    cycle = RequestCycle("GET", b"", sink, streamed=streamed)
    await cycle.send(long(size + 2))
    for message in messages[:-1]:
        await cycle.send(message)

    with pytest.raises(ProtocolError, match="2 bytes shorter than its content-length"):
        await cycle.send(messages[-1])
    assert not cycle.delivered
    assert len(sink.told) == len(messages) - 1


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("more", [0, -3], ids=["as announced", "longer"])
async def test_a_body_that_is_as_long_as_announced(sink: RecordingSink, more: int, *, streamed: bool) -> None:
    """Or longer: nothing is missing then, and the client does not get to see the length."""
    cycle = RequestCycle("GET", b"", sink, streamed=streamed)
    for message in (long(7 + more), MORE, LAST):
        await cycle.send(message)
    assert cycle.delivered


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304)])
async def test_the_length_of_what_is_not_sent_counts_for_nothing(sink: RecordingSink, method: str, status: int) -> None:
    """It says how long the body of another response would be (RFC 9110, section 8.6)."""
    cycle = RequestCycle(method, b"", sink, streamed=True)
    for message in (long(7) | {"status": status}, {"type": "http.response.body"}):
        await cycle.send(message)
    assert cycle.delivered


async def test_the_request_comes_in_one_message(sink: RecordingSink) -> None:
    """Lambda has the whole body before it calls."""
    cycle = RequestCycle("POST", b"body", sink)

    assert await cycle.receive() == {"type": "http.request", "body": b"body", "more_body": False}


async def test_receive_blocks_until_the_response_is_complete(sink: RecordingSink) -> None:
    """A second `receive()` that returned at once would be taken for a client that went away."""
    cycle = RequestCycle("GET", b"", sink)
    await cycle.receive()
    waiting = asyncio.create_task(cycle.receive())
    await asyncio.sleep(0)
    assert not waiting.done()

    await cycle.send(START)
    await cycle.send(MORE)
    await asyncio.sleep(0)
    assert not waiting.done()

    await cycle.send(LAST)
    assert await waiting == DISCONNECT
    assert await cycle.receive() == DISCONNECT, "every time"


async def test_several_receivers_are_all_told(sink: RecordingSink) -> None:
    """Frameworks listen for the disconnect in tasks of their own."""
    cycle = RequestCycle("GET", b"", sink)
    await cycle.receive()
    waiting = [asyncio.create_task(cycle.receive()) for _ in range(3)]
    await asyncio.sleep(0)

    cycle.disconnect()

    assert await asyncio.gather(*waiting) == [DISCONNECT] * 3


async def test_after_a_disconnect_send_still_works(sink: RecordingSink) -> None:
    """Near the deadline the application may end its stream itself."""
    cycle = await sent(sink, START, MORE)
    await cycle.receive()
    cycle.disconnect()

    assert await cycle.receive() == DISCONNECT
    await cycle.send(LAST)
    assert sink.told[-1] == ("write", b"end", False)


async def test_after_a_cut_send_raises_an_oserror(sink: RecordingSink) -> None:
    """Nobody gets the response any more, as the ASGI specification tells it."""
    cycle = await sent(sink, START, MORE)
    await cycle.receive()
    cycle.cut()

    assert await cycle.receive() == DISCONNECT
    with pytest.raises(ClientDisconnected) as caught:
        await cycle.send(LAST)
    assert isinstance(caught.value, OSError)
    assert len(sink.told) == 1


async def test_send_waits_while_the_other_side_does_not_read(sink: RecordingSink) -> None:
    """Back-pressure: memory does not grow with the size of a response."""
    cycle = await sent(sink, START)
    sink.paused = True
    sending = asyncio.create_task(cycle.send(MORE))
    await asyncio.sleep(0)
    assert not sending.done()
    assert sink.drains == 1

    sink.resume()
    await sending
    await cycle.send(LAST)
    assert sink.told == [("start", 200, HEAD, b"some", True), ("write", b"end", False)]


async def test_a_cut_wakes_the_waiting_send(sink: RecordingSink) -> None:
    """Whoever waits for a reader that is gone gets the error, not silence."""
    cycle = await sent(sink, START)
    sink.paused = True
    sending = asyncio.create_task(cycle.send(MORE))
    await asyncio.sleep(0)

    cycle.cut()
    sink.resume()

    with pytest.raises(ClientDisconnected):
        await sending
