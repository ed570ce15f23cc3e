"""An invocation through an ASGI application: what it sees, and what is answered whatever it does."""

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, cast

import pytest

from everloop.asgi.types import Application, Receive, Scope, Send
from everloop.handlers.asgi import AsgiHandler
from everloop.handlers.base import ApplicationExit
from everloop.handlers.front import Front
from everloop.invocation import Invocation
from support.payloads import Expected, malformed, payload
from support.sinks import RecordingReply

if TYPE_CHECKING:
    from everloop.api.reply import Reply

pytestmark = pytest.mark.anyio

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
LAST = {"type": "http.response.body", "body": b"hello"}
MORE = {"type": "http.response.body", "body": b"hel", "more_body": True}

INTERNAL_ERROR = {
    "statusCode": 500,
    "headers": {"content-type": "text/plain; charset=utf-8"},
    "body": "Internal Server Error",
    "isBase64Encoded": False,
}


def sending(*steps: Any) -> Application:
    """Make an application that sends messages and raises what is an exception."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for step in steps:
            if isinstance(step, BaseException):
                raise step
            await send(dict(step))

    return app


async def answered(
    app: Application, event: object = None, *, raw: bytes | None = None, **settings: Any
) -> list[tuple[Any, ...]]:
    """Hand one invocation to an application and give what its reply was told."""
    body = json.dumps(payload("function-url", "get_root").event if event is None else event).encode()
    headers = {
        b"Lambda-Runtime-Aws-Request-Id": b"id-1",
        b"Lambda-Runtime-Invoked-Function-Arn": b"arn:aws:lambda:::function:web",
    }
    invocation = Invocation(headers, body if raw is None else raw)
    reply = settings.pop("reply", None) or RecordingReply()
    own = {name: settings.pop(name) for name in ("deadline_margin", "access_log") if name in settings}
    handler = AsgiHandler(app, {"pool": 1}, Front(**({"streaming": False} | settings)), **own)
    await handler.handle(invocation, cast("Reply", reply))
    return reply.told


def envelope(told: list[tuple[Any, ...]]) -> Any:
    [(how, document, _)] = told
    assert how == "complete"
    return json.loads(document)


async def test_the_application_sees_the_whole_scope() -> None:
    """The contract's scope, the event and the context, under the names that Mangum's users know."""
    seen: dict[str, Any] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(scope)
        await sending(START, LAST)(scope, receive, send)

    case = payload("rest", "stage_and_base_path")
    expected = Expected(case.scope_path)
    told = await answered(app, case.event, base_path=expected.base_path)

    context = seen.pop("aws.context")
    assert context.aws_request_id == "id-1"
    assert type(context).__mro__[1].__name__ == "LambdaContext"
    assert seen == expected.scope | {
        "asgi": seen["asgi"],
        "state": {"pool": 1},
        "extensions": {},
        "aws.event": case.event,
    }
    assert envelope(told)["body"] == "hello"


async def test_a_buffered_answer_is_one_envelope() -> None:
    """However many messages it took."""
    assert envelope(await answered(sending(START, MORE, LAST))) == {
        "statusCode": 200,
        "headers": {"content-type": "text/plain"},
        "body": "helhello",
        "isBase64Encoded": False,
    }


async def test_a_streamed_answer_leaves_as_it_is_made() -> None:
    """Head, prelude and first piece together, then each piece, then the end."""
    told = await answered(sending(START, MORE, LAST), streaming=True)

    assert [step[0] for step in told] == ["start", "write", "finish"] or [step[0] for step in told] == [
        "start",
        "finish",
    ]
    assert b"".join(step[-1] for step in told) == b"helhello"


@pytest.mark.parametrize(
    ("steps", "logged"),
    [
        ((ValueError("no luck"),), "no luck"),
        ((START, ValueError("no luck")), "no luck"),
        ((START, MORE, ValueError("no luck")), "no luck"),
        ((), "before it had completed"),
        ((START,), "before it had completed"),
        ((START, MORE), "before it had completed"),
        ((LAST,), "http.response.body"),
        ((START, START), "http.response.start"),
    ],
)
async def test_what_goes_wrong_before_the_end_of_a_buffered_response_is_a_500(
    steps: tuple[Any, ...], logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The client gets an answer without details, the log gets the reason."""
    with caplog.at_level(logging.ERROR):
        told = await answered(sending(*steps))

    assert envelope(told) == INTERNAL_ERROR
    assert logged in caplog.text


@pytest.mark.parametrize(
    ("steps", "error_type"),
    [
        ((START, MORE, ValueError("no luck")), "Function.ValueError"),
        ((START, MORE), "Runtime.IncompleteResponse"),
        ((START, MORE, START), "Function.ProtocolError"),
    ],
)
async def test_what_goes_wrong_in_mid_stream_is_told_in_trailers(steps: tuple[Any, ...], error_type: str) -> None:
    """`fail()` after `start()` writes trailers; the type is in the form that Lambda accepts."""
    told = await answered(sending(*steps), streaming=True)

    assert [step[0] for step in told] == ["start", "fail"]
    assert told[-1][1] == error_type


@pytest.mark.parametrize("streaming", [False, True])
async def test_an_error_after_the_response_leaves_it_alone(streaming: bool, caplog: pytest.LogCaptureFixture) -> None:
    """The client has its answer already; the traceback is logged."""
    with caplog.at_level(logging.ERROR):
        told = await answered(sending(START, LAST, ValueError("too late")), streaming=streaming)

    assert [step for step in told if step[0] == "fail"] == []
    assert "too late" in caplog.text


async def test_what_send_raises_once_nobody_reads_is_not_logged_again(caplog: pytest.LogCaptureFixture) -> None:
    """The connection has told of its end, with the request id; a traceback of `send()` adds nothing."""

    class Broken(RecordingReply):
        def start(self, content_type: bytes, *first: bytes) -> None:
            self.broken = True
            assert self.on_broken is not None
            self.on_broken()

    with caplog.at_level(logging.ERROR):
        await answered(sending(START, MORE, MORE), streaming=True, reply=Broken())
    assert caplog.text == ""


async def test_an_exit_is_this_invocations_error_and_then_the_processs_end() -> None:
    """`sys.exit(3)` in an application: reported, then a graceful shutdown with that code."""
    with pytest.raises(ApplicationExit) as caught:
        await answered(sending(SystemExit(3)))

    assert caught.value.code == 3


@pytest.mark.parametrize(
    ("raw", "error_type"),
    [
        (b"not json", "Runtime.UnmarshalError"),
        (b"", "Runtime.UnmarshalError"),
        (b"[]", "Runtime.UnknownEvent"),
        (b"null", "Runtime.UnknownEvent"),
        (b'"text"', "Runtime.UnknownEvent"),
        (b"{}", "Runtime.UnknownEvent"),
    ],
)
async def test_what_is_no_http_event_is_an_invocation_error(raw: bytes, error_type: str) -> None:
    """The application is not called, and the error says what was expected."""
    [(how, told_type, message)] = await answered(sending(AssertionError("called")), raw=raw)

    assert (how, told_type) == ("fail", error_type)
    assert message


async def test_a_malformed_event_is_an_invocation_error_that_names_the_field() -> None:
    """One of the malformed cases, all the way."""
    case = next(case for case in malformed() if case.id == "function-url/method_absent")

    [(how, told_type, message)] = await answered(sending(START, LAST), case.event["event"])

    assert (how, told_type) == ("fail", "Runtime.MalformedEvent")
    assert "method" in message


@pytest.mark.parametrize(
    ("source", "case"),
    [
        ("http-api", "path_empty"),
        ("http-api-1.0", "get_root"),
        ("alb", "get"),
        ("alb-multi", "get"),
        ("lattice", "get"),
        ("lattice-1", "get"),
    ],
)
async def test_a_source_that_cannot_stream_is_buffered_with_one_warning(
    source: str, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    """`EVERLOOP_RESPONSE_MODE=streaming` behind an HTTP API: answered all the same, and said once."""
    event = payload(source, case).event
    handler = AsgiHandler(sending(START, LAST), {}, Front(streaming=True))
    replies = [RecordingReply(), RecordingReply()]

    with caplog.at_level(logging.WARNING):
        for reply in replies:
            await handler.handle(
                Invocation({b"Lambda-Runtime-Aws-Request-Id": b"id-1"}, json.dumps(event).encode()),
                cast("Reply", reply),
            )

    assert [envelope(reply.told)["body"] for reply in replies] == ["hello", "hello"]
    assert caplog.text.count(f"but {source} cannot stream") == 1


async def test_a_failing_status_fails_the_invocation() -> None:
    """`EVERLOOP_ERROR_STATUSES`."""
    told = await answered(sending(START | {"status": 503}, LAST), error_statuses={503})

    assert [step[:2] for step in told] == [("fail", "Function.ErrorStatus")]


async def test_types_of_the_users_own_are_text() -> None:
    """`EVERLOOP_TEXT_TYPES`."""
    start = START | {"headers": [(b"content-type", b"application/x-foo")]}

    assert envelope(await answered(sending(start, LAST)))["isBase64Encoded"] is True
    assert envelope(await answered(sending(start, LAST), text_types=("application/x-foo",)))["body"] == "hello"


async def test_an_application_that_only_sends_lets_the_loop_turn() -> None:
    """Although a buffered response never has to wait: the application's own deadline would come to nobody."""
    turns = 0

    async def turning() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(turning())
    await answered(sending(START, *[MORE] * 200, LAST))
    other.cancel()

    assert turns >= 3
