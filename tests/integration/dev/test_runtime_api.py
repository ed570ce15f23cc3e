"""The Runtime API as a runtime sees it: status codes, order, pipelining, limits. The runtime is raw requests."""

import base64
import json
from collections.abc import Iterator

import pytest

from everloop.dev.calls import Failure
from support.emulated import NOTHING, Emulated, RawRuntime, response_path

NEXT = "/2018-06-01/runtime/invocation/next"
INIT_ERROR = "/2018-06-01/runtime/init/error"
STREAMING = {"Lambda_Runtime_Function_Response_Mode": "streaming"}


@pytest.fixture
def emulated() -> Iterator[Emulated]:
    with Emulated(command=NOTHING, timeout=20.0) as emulated:
        yield emulated


@pytest.fixture
def runtime(emulated: Emulated) -> Iterator[RawRuntime]:
    with emulated.runtime() as runtime:
        yield runtime


@pytest.fixture
def managed() -> Iterator[Emulated]:
    with Emulated(command=NOTHING, timeout=20.0, max_concurrency=4) as emulated:
        yield emulated


def streamed(path: str, body: bytes, trailers: str = "", headers: str = "") -> bytes:
    """Encode a streamed response as AWS documents it."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: api\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n"
        f"Transfer-Encoding: chunked\r\n{headers}\r\n"
    ).encode() + b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(body), body, trailers.encode())


def test_one_invocation(emulated: Emulated, runtime: RawRuntime) -> None:
    """An event with its headers, a response, 202."""
    call = emulated.call(b'{"k": 1}', trace_id="Root=1-a-b", tenant_id="blue", client_context='{"a":\r\n1}')
    event = runtime.next()
    assert event.status == 200
    assert event.body == b'{"k": 1}'
    headers = event.headers
    assert headers["content-type"] == "application/json"
    assert headers["lambda-runtime-aws-request-id"] == call.record.request_id
    assert headers["lambda-runtime-invocation-id"]
    assert headers["lambda-runtime-invoked-function-arn"] == "arn:aws:lambda:us-east-1:123456789012:function:function"
    assert headers["lambda-runtime-trace-id"] == "Root=1-a-b"
    assert headers["lambda-runtime-aws-tenant-id"] == "blue"
    assert json.loads(headers["lambda-runtime-client-context"]) == {"a": 1}  # a line end would end the header
    started = call.record.started_at or 0
    assert abs(int(headers["lambda-runtime-deadline-ms"]) / 1000 - started - 20) < 5
    answer = runtime.respond(event, b'"done"', Content_Type="text/x")
    assert answer.status == 202
    assert json.loads(answer.body) == {"status": "OK"}
    assert call.payload() == b'"done"'
    assert call.begun().content_type == "text/x"


def test_answers_come_in_the_order_of_pipelined_requests(emulated: Emulated, runtime: RawRuntime) -> None:
    """A response and the next poll in one write are answered one after the other, the second when there is an event."""
    first, second = emulated.call(1), emulated.call(2)
    event = runtime.next()
    runtime.send(runtime.request("POST", response_path(event), b"one") + runtime.request("GET", NEXT))
    assert runtime.answer().status == 202
    event = runtime.answer()
    assert event.body == b"2"
    runtime.send(
        runtime.request("POST", response_path(event), b"two")
        + runtime.request("GET", NEXT)
        + runtime.request("GET", "/ping")  # answered only after the poll before it
    )
    assert runtime.answer().status == 202
    third = emulated.call(3)
    assert runtime.answer().body == b"3"
    assert runtime.answer().body == b"pong"
    assert [call.payload() for call in (first, second)] == [b"one", b"two"]
    assert not third.execution.done


def test_an_error(emulated: Emulated, runtime: RawRuntime) -> None:
    """`/error` fails the call with its body; the type is the header's where Lambda knows such types."""
    for header, body, expected in (
        ("Function.MyError", b'{"errorType": "MyError"}', "Function.MyError"),
        ("MyErr", b"{}", "Runtime.Unknown"),
        ("Function.my_error", b"{}", "Function.Unknown"),
        (None, b'{"errorType": "FromBody"}', "FromBody"),
        (None, b"not JSON", "Runtime.Unknown"),
    ):
        call = emulated.call()
        event = runtime.next()
        headers = {} if header is None else {"Lambda_Runtime_Function_Error_Type": header}
        assert runtime.ask("POST", response_path(event, "error"), body, **headers).status == 202
        failed = call.failure()
        assert (failed.kind, failed.error_type, failed.payload) == (Failure.FUNCTION, expected, body)


def test_an_error_with_its_cause(emulated: Emulated, runtime: RawRuntime) -> None:
    """The other content type brings X-Ray's cause along; the caller does not see it."""
    call = emulated.call()
    event = runtime.next()
    body = {"errorType": "E", "errorMessage": "m", "stackTrace": [], "errorCause": {"paths": []}}
    runtime.ask(
        "POST",
        response_path(event, "error"),
        json.dumps(body).encode(),
        Content_Type="application/vnd.aws.lambda.error.cause+json",
    )
    assert json.loads(call.failure().payload) == {"errorType": "E", "errorMessage": "m", "stackTrace": []}


def test_wrong_order(emulated: Emulated, runtime: RawRuntime) -> None:
    """A second answer, and an init error after the first poll, are refused; the caller keeps the first answer."""
    call = emulated.call()
    event = runtime.next()
    assert runtime.respond(event, b"1").status == 202
    for action in ("response", "error"):
        refused = runtime.ask("POST", response_path(event, action), b"2")
        assert (refused.status, refused.error_type) == (403, "InvalidStateTransition")
    refused = runtime.ask("POST", INIT_ERROR, b"{}")
    assert (refused.status, refused.error_type) == (403, "InvalidStateTransition")
    assert call.payload() == b"1"


def test_a_poll_within_a_response(emulated: Emulated, runtime: RawRuntime) -> None:
    """While a response is half done, nothing can be polled for."""
    call = emulated.call(streaming=True)
    event = runtime.next()
    whole = streamed(response_path(event), b"abc")
    runtime.send(whole[:-8])
    assert call.begun().streamed
    with emulated.runtime() as other:
        refused = other.next()
    assert (refused.status, refused.error_type) == (403, "InvalidStateTransition")
    runtime.send(whole[-8:])
    assert runtime.answer().status == 202
    assert call.payload() == b"abc"


def test_a_poll_before_the_answer_gives_the_same_event(emulated: Emulated, runtime: RawRuntime) -> None:
    """An event is there until it is answered: a runtime whose connection broke gets it again."""
    call = emulated.call("event")
    event = runtime.next()
    with emulated.runtime() as other:
        again = other.next()
        assert again.headers == event.headers
        assert other.respond(again, b"1").status == 202
    assert call.payload() == b"1"


def test_a_poll_that_was_given_up_loses_nothing(emulated: Emulated, runtime: RawRuntime) -> None:
    """A call that comes after a waiting poll's connection has ended goes to the next poll."""
    with emulated.runtime() as gone:
        gone.send_next()
        emulated.until(lambda: emulated.environment.free)
    emulated.until(lambda: not emulated.environment.free)
    call = emulated.call("kept")
    event = runtime.next()
    assert event.body == b'"kept"'
    runtime.respond(event, b"1")
    assert call.payload() == b"1"


def test_ids_are_looked_at(emulated: Emulated, runtime: RawRuntime) -> None:
    """Unknown and finished ids, and another attempt's id, are refused; the right ones are still taken."""
    call = emulated.call()
    event = runtime.next()
    unknown = runtime.ask("POST", "/2018-06-01/runtime/invocation/nobody/response", b"1")
    assert (unknown.status, unknown.error_type) == (400, "InvalidRequestID")
    stale = runtime.respond(event, b"1", Lambda_Runtime_Invocation_Id="another")
    assert (stale.status, stale.error_type) == (400, "InvalidInvocationId")
    attempt = event.headers["lambda-runtime-invocation-id"]
    assert runtime.respond(event, b"2", Lambda_Runtime_Invocation_Id=attempt).status == 202
    assert call.payload() == b"2"
    runtime.send_next()
    with emulated.runtime() as other:
        refused = other.respond(event, b"3")
    assert (refused.status, refused.error_type) == (400, "InvalidRequestID")


@pytest.mark.parametrize("mode", ["Streaming", "buffered"])
def test_a_wrong_response_mode(emulated: Emulated, runtime: RawRuntime, mode: str) -> None:
    """Anything but `streaming` is refused and fails the invocation."""
    call = emulated.call()
    event = runtime.next()
    refused = runtime.respond(event, b"1", Lambda_Runtime_Function_Response_Mode=mode)
    assert (refused.status, refused.error_type) == (400, "InvalidFunctionResponseMode")
    failed = call.failure()
    assert failed.error_type == "Runtime.InvalidResponseModeHeader"
    assert mode in failed.payload.decode()


def test_a_response_that_says_it_is_too_large(emulated: Emulated, runtime: RawRuntime) -> None:
    """A length over 6 MiB and 100 bytes is refused at once; one of just that is taken."""
    limit = 6 * 1024 * 1024 + 100
    for size, status in ((limit, 202), (limit + 1, 413)):
        call = emulated.call()
        event = runtime.next()
        answer = runtime.respond(event, b"x" * size)
        assert answer.status == status
        if status == 202:
            assert len(call.payload()) == size
    assert answer.error_type == "RequestEntityTooLarge"
    failed = call.failure()
    assert failed.kind is Failure.TOO_LARGE
    assert json.loads(failed.payload) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": f"Response payload size exceeded maximum allowed payload size ({limit} bytes).",
    }
    emulated.call("next")
    assert runtime.next().body == b'"next"'


def test_a_stream_over_200_mb(emulated: Emulated, runtime: RawRuntime) -> None:
    """The caller gets 200 MB, then the failure; the runtime 413."""
    call = emulated.call(streaming=True)
    event = runtime.next()
    runtime.send(streamed(response_path(event), b"")[: -len(b"0\r\n\r\n0\r\n\r\n")])
    call.abandon()
    piece = b"%x\r\n%b\r\n" % (2**20, b"x" * 2**20)
    for _ in range(200):
        runtime.send(piece)
    emulated.until(lambda: call.record.response_bytes == 200 * 2**20)
    assert not call.execution.done
    runtime.send(b"1\r\nx\r\n")
    assert runtime.answer().status == 413
    assert call.record.error_type == "Function.ResponseSizeTooLarge"
    runtime.send(b"0\r\n\r\n")
    emulated.call("next")
    assert runtime.next().body == b'"next"'


def test_trailers(emulated: Emulated, runtime: RawRuntime) -> None:
    """An error in declared trailers fails the call after its pieces; undeclared trailers mean nothing."""
    declared = "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
    error = base64.b64encode(b'{"errorType": "Late"}').decode()
    trailers = f"Lambda-Runtime-Function-Error-Type: Function.Late\r\nLambda-Runtime-Function-Error-Body: {error}\r\n"
    for headers, fails in ((declared, True), ("", False)):
        call = emulated.call(streaming=True)
        event = runtime.next()
        runtime.send(streamed(response_path(event), b"abc", trailers, headers))
        assert runtime.answer().status == 202
        pieces = call.pieces()
        assert next(pieces) == b"abc"
        if fails:
            failed = call.failure()
            assert (failed.error_type, failed.payload) == ("Function.Late", b'{"errorType": "Late"}')
        else:
            assert list(pieces) == []
            assert call.record.failure is None


def test_a_response_that_breaks_off(emulated: Emulated, runtime: RawRuntime) -> None:
    """A connection that ends within a response fails the call after its pieces; the runtime may go on."""
    call = emulated.call(streaming=True)
    event = runtime.next()
    runtime.send(streamed(response_path(event), b"abc")[:-5])
    assert call.begun().streamed
    runtime.socket.shutdown(1)
    refused = runtime.answer()
    assert (refused.status, refused.error_type) == (400, "TruncatedHTTPRequest")
    pieces = call.pieces()
    assert next(pieces) == b"abc"
    failed = call.failure()
    assert (failed.kind, failed.error_type) == (Failure.TRUNCATED, "Runtime.TruncatedResponse")
    emulated.call("next")
    with emulated.runtime() as other:
        assert other.next().body == b'"next"'


def test_a_response_in_broken_chunks(emulated: Emulated, runtime: RawRuntime) -> None:
    """What came before the fault is given; then the call fails, and the connection is closed."""
    call = emulated.call(streaming=True)
    event = runtime.next()
    runtime.send(streamed(response_path(event), b"abc")[: -len(b"0\r\n\r\n")] + b"zzz\r\n")
    assert runtime.answer().status == 400
    assert runtime.socket.recv(1) == b""
    pieces = call.pieces()
    assert next(pieces) == b"abc"
    assert call.failure().kind is Failure.TRUNCATED


def test_a_chunked_body_without_the_mode_is_buffered(emulated: Emulated, runtime: RawRuntime) -> None:
    """Chunked alone is only a way to send a body."""
    call = emulated.call()
    event = runtime.next()
    request = streamed(response_path(event), b"abc").replace(
        b"Lambda-Runtime-Function-Response-Mode: streaming\r\n", b""
    )
    runtime.send(request)
    assert runtime.answer().status == 202
    assert call.payload() == b"abc"
    assert call.record.response_mode == "buffered"


def test_expect_100_continue(emulated: Emulated, runtime: RawRuntime) -> None:
    """A runtime that asks whether it may send its body is told so."""
    call = emulated.call()
    event = runtime.next()
    request = runtime.request("POST", response_path(event), b"abc", Expect="100-continue")
    runtime.send(request[:-3])
    assert runtime.answer().status == 100
    runtime.send(b"abc")
    assert runtime.answer().status == 202
    assert call.payload() == b"abc"


def test_headers_over_the_limit(emulated: Emulated, runtime: RawRuntime) -> None:
    """A header block over 1 MiB is answered 431 and the connection closed."""
    call = emulated.call()
    event = runtime.next()
    cause = "x" * 1_200_000
    path = response_path(event, "error")
    refused = runtime.ask("POST", path, b"{}", Lambda_Runtime_Function_XRay_Error_Cause=cause)
    assert refused.status == 431
    with emulated.runtime() as other:
        assert other.ask("POST", path, b"{}", Lambda_Runtime_Function_XRay_Error_Cause="x" * 1_000_000).status == 202
    assert call.failure().kind is Failure.FUNCTION


def test_what_is_not_http(runtime: RawRuntime) -> None:
    """It is answered 400, and the connection closed."""
    runtime.send(b"hello\r\n\r\n")
    assert runtime.answer().status == 400
    assert runtime.socket.recv(1) == b""


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/ping", 200),
        ("POST", "/ping", 405),
        ("POST", NEXT, 405),
        ("GET", "/2018-06-01/runtime/invocation/1/response", 405),
        ("GET", "/2018-06-01/runtime/invocation/1/elsewhere", 404),
        ("GET", INIT_ERROR, 405),
        ("GET", "/2018-06-01/runtime/nothing", 404),
        ("GET", "/2018-06-01/runtime/restore/next", 404),
        ("POST", "/2018-06-01/runtime/restore/error", 404),
        ("GET", "/", 404),
        ("GET", "/2020-01-01/extension/nothing", 404),
        ("GET", "/2020-01-01/extension/register", 405),
        ("POST", "/2026-01-15/metadata/execution-environment", 405),
        ("GET", "/2026-01-15/metadata/execution-environment", 401),
        ("PUT", "/2022-07-01/telemetry", 202),
    ],
)
def test_paths_and_methods(runtime: RawRuntime, method: str, path: str, status: int) -> None:
    """Every path has its method; others are 405, unknown paths 404. The connection goes on."""
    assert runtime.ask(method, path).status == status
    assert runtime.ask("GET", "/ping").body == b"pong"


def test_init_error(emulated: Emulated, runtime: RawRuntime) -> None:
    """It is taken once, and ends the environment that does not exit by itself."""
    call = emulated.call()
    body = b'{"errorType": "Boom", "errorMessage": "no"}'
    taken = runtime.ask("POST", INIT_ERROR, body, Lambda_Runtime_Function_Error_Type="Runtime.Boom")
    assert taken.status == 202
    runtime.socket.close()
    failed = call.failure()
    assert (failed.kind, failed.error_type, failed.payload) == (Failure.INIT, "Runtime.Boom", body)


def register(runtime: RawRuntime, body: bytes = b'{"events": []}', **headers: str) -> tuple[int, dict[str, str], bytes]:
    headers = {"Lambda_Extension_Name": "one", **headers}
    answer = runtime.ask("POST", "/2020-01-01/extension/register", body, **headers)
    return answer.status, answer.headers, answer.body


def test_an_extension_registers(runtime: RawRuntime) -> None:
    """It is told which function it is in, and gets an identifier."""
    status, headers, body = register(runtime)
    assert status == 200
    assert headers["lambda-extension-identifier"]
    assert json.loads(body) == {"functionName": "function", "functionVersion": "$LATEST", "handler": ""}
    status, _, body = register(runtime, Lambda_Extension_Name="two", Lambda_Extension_Accept_Feature="accountId")
    assert json.loads(body)["accountId"] == "123456789012"


@pytest.mark.parametrize(
    ("name", "body", "error_type"),
    [
        ("x", b"", "InvalidRequestFormat"),
        ("x", b"[]", "InvalidRequestFormat"),
        ("", b'{"events": []}', "Extension.InvalidExtensionName"),
        ("one", b'{"events": []}', "Extension.AlreadyRegistered"),
        ("x", b'{"events": ["SHUTDOWN"]}', "Extension.InvalidEventType"),
        ("x", b'{"events": ["OTHER"]}', "Extension.InvalidEventType"),
    ],
)
def test_registrations_that_are_refused(runtime: RawRuntime, name: str, body: bytes, error_type: str) -> None:
    """Each is a 403 that says why."""
    register(runtime)
    status, _, answer = register(runtime, body, Lambda_Extension_Name=name)
    assert (status, json.loads(answer)["errorType"]) == (403, error_type)


def test_registration_is_closed_after_the_first_poll(emulated: Emulated, runtime: RawRuntime) -> None:
    """Extensions register before the runtime's first poll."""
    emulated.call()
    runtime.next()
    status, _, body = register(runtime)
    assert (status, json.loads(body)["errorType"]) == (403, "Extension.RegistrationClosed")


def test_eleven_extensions(runtime: RawRuntime) -> None:
    """Ten are allowed."""
    statuses = [register(runtime, Lambda_Extension_Name=str(number))[0] for number in range(11)]
    assert statuses == [200] * 10 + [403]


def test_an_extension_without_its_identifier(runtime: RawRuntime) -> None:
    """Who has not registered gets no events."""
    path = "/2020-01-01/extension/event/next"
    assert runtime.ask("GET", path).error_type == "Extension.MissingHeader"
    unknown = runtime.ask("GET", path, Lambda_Extension_Identifier="nobody")
    assert (unknown.status, unknown.error_type) == (403, "Extension.UnknownExtensionIdentifier")


def test_an_extension_that_wants_invocations(emulated: Emulated, runtime: RawRuntime) -> None:
    """It is told of each, and the next call waits until it asks for the next event."""
    with emulated.runtime() as extension:
        _, headers, _ = register(extension, b'{"events": ["INVOKE"]}')
        ask = extension.request(
            "GET",
            "/2020-01-01/extension/event/next",
            Lambda_Extension_Identifier=headers["lambda-extension-identifier"],
        )
        first, second = emulated.call(1), emulated.call(2)
        runtime.send_next()
        assert extension.ask("GET", "/ping").status == 200
        assert first.record.started_at is None  # the extension is not ready yet
        extension.send(ask)
        event = json.loads(extension.answer().body)
        assert event["eventType"] == "INVOKE"
        assert event["requestId"] == first.record.request_id
        assert event["invokedFunctionArn"] == emulated.config.arn
        runtime.respond(runtime.answer(), b"1")
        assert first.payload() == b"1"
        runtime.send_next()
        first.finished()
        assert second.record.started_at is None
        extension.send(ask)
        assert json.loads(extension.answer().body)["requestId"] == second.record.request_id


def test_an_extension_that_never_asks_for_an_event() -> None:
    """Initialisation is complete only when every extension waits: it times out."""
    with Emulated(command=NOTHING, init_timeout=1.5) as emulated, emulated.runtime() as runtime:
        register(runtime)
        call = emulated.call()
        runtime.send_next()
        failed = call.failure()
    assert (failed.kind, failed.error_type) == (Failure.INIT, "Sandbox.Timedout")


def test_an_extension_that_is_never_done() -> None:
    """The function's time runs until it is: the caller has its answer, the environment is ended and replaced."""
    with Emulated(command=NOTHING, timeout=1.5) as emulated, emulated.runtime() as runtime:
        with emulated.runtime() as extension:
            _, headers, _ = register(extension, b'{"events": ["INVOKE"]}')
            identifier = headers["lambda-extension-identifier"]
            path = "/2020-01-01/extension/event/next"
            extension.send(extension.request("GET", path, Lambda_Extension_Identifier=identifier))
            call, environment = emulated.call(), emulated.environment
            runtime.respond(runtime.next(), b"1")
            runtime.send_next()
            assert call.payload() == b"1"
            emulated.until(lambda: environment not in emulated.function.environments, "that it is ended")
        assert call.record.failure == "timeout"


def test_an_id_that_is_at_work_is_not_used_twice(managed: Emulated) -> None:
    """Two calls with the same id are two invocations, each with its own answer."""
    calls = [managed.call(number, request_id="same") for number in range(2)]
    with managed.runtime() as one, managed.runtime() as two:
        events = [one.next(), two.next()]
        assert len({event.headers["lambda-runtime-aws-request-id"] for event in events}) == 2
        two.respond(events[1], b"b")
        one.respond(events[0], b"a")
    assert [call.payload() for call in calls] == [b"a", b"b"]


def test_managed_instances_take_calls_side_by_side(managed: Emulated) -> None:
    """As many polls as slots wait at once; answers may come in any order."""
    connections = [managed.runtime() for _ in range(4)]
    for connection in connections:
        connection.send_next()
    calls = [managed.call(number) for number in range(5)]
    events = [connection.answer() for connection in connections]
    assert sorted(event.body for event in events) == [b"0", b"1", b"2", b"3"]
    assert calls[4].record.started_at is None
    for connection, event in reversed(list(zip(connections, events, strict=True))):
        assert connection.respond(event, event.body).status == 202
    assert [call.payload() for call in calls[:4]] == [b"0", b"1", b"2", b"3"]
    connections[2].send_next()
    assert connections[2].answer().body == b"4"
    assert len(managed.function.environments) == 1
    for connection in connections:
        connection.socket.close()


def test_managed_instances_refuse_a_second_answer(managed: Emulated) -> None:
    """There it is an unknown id; an init error of another worker is taken; events are not for extensions."""
    managed.call()
    with managed.runtime() as runtime:
        status, _, body = register(runtime, b'{"events": ["INVOKE"]}')
        assert (status, json.loads(body)["errorType"]) == (403, "Extension.InvalidEventType")
        event = runtime.next()
        assert runtime.respond(event, b"1").status == 202
        again = runtime.respond(event, b"2")
        assert (again.status, again.error_type) == (400, "InvalidRequestID")
        assert runtime.ask("POST", INIT_ERROR, b"{}").status == 202


def test_managed_instances_do_not_kill_at_the_timeout() -> None:
    """The caller is told, the late answer is refused with 410, and the process serves on."""
    with Emulated(command=NOTHING, timeout=1.5, max_concurrency=2) as managed, managed.runtime() as runtime:
        call = managed.call()
        event = runtime.next()
        assert call.failure().kind is Failure.TIMEOUT
        late = runtime.respond(event, b"1")
        assert (late.status, late.error_type) == (410, "InvokeTimeout")
        environment = managed.environment
        second = managed.call("second")
        event = runtime.next()
        assert event.body == b'"second"'
        runtime.respond(event, b"2")
        assert second.payload() == b"2"
        assert managed.environment is environment


def test_a_managed_runtime_that_polls_and_answers_on_different_connections(managed: Emulated) -> None:
    """Its slots become free nevertheless."""
    with managed.runtime() as polls, managed.runtime() as answers:
        for number in range(10):
            call = managed.call(number)
            assert answers.respond(polls.next(), b"%d" % number).status == 202
            assert call.payload() == b"%d" % number
            assert call.finished().failure is None


def test_snapstart() -> None:
    """The runtime waits to be restored until there is a call; then it polls. Its wait is not counted."""
    with Emulated(command=NOTHING, snapstart=True) as emulated, emulated.runtime() as runtime:
        assert runtime.ask("POST", "/2018-06-01/runtime/restore/error", b"{}").status == 403
        runtime.send(runtime.request("GET", "/2018-06-01/runtime/restore/next"))
        assert emulated.ready() is None
        with emulated.runtime() as other:
            refused = other.next()
        assert (refused.status, refused.error_type) == (403, "InvalidStateTransition")
        call = emulated.call("first")
        restored = runtime.answer()
        assert (restored.status, restored.body) == (200, b"")
        assert runtime.ask("GET", "/2018-06-01/runtime/restore/next").status == 403
        event = runtime.next()
        assert event.body == b'"first"'
        runtime.respond(event, b"1")
        assert call.payload() == b"1"


def test_a_restore_that_fails() -> None:
    """`restore/error` fails the call that the restore was for."""
    with Emulated(command=NOTHING, snapstart=True) as emulated, emulated.runtime() as runtime:
        runtime.send(runtime.request("GET", "/2018-06-01/runtime/restore/next"))
        call = emulated.call()
        assert runtime.answer().status == 200
        body = b'{"errorType": "Runtime.AfterRestoreError", "errorMessage": "no"}'
        assert runtime.ask("POST", "/2018-06-01/runtime/restore/error", body).status == 202
        runtime.socket.close()
        failed = call.failure()
        assert (failed.kind, failed.error_type, failed.payload) == (Failure.INIT, "Runtime.AfterRestoreError", body)


def test_snapstart_of_a_runtime_that_knows_no_restore() -> None:
    """A snapshot may be taken at the first poll, too."""
    with Emulated(command=NOTHING, snapstart=True) as emulated, emulated.runtime() as runtime:
        emulated.call("first")
        assert runtime.next().body == b'"first"'
