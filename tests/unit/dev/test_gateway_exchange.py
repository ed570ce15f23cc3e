"""One exchange of the gateway, with a function that answers as the test says and a server that is the test."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from everloop.dev.calls import CallFailed, Failure
from everloop.dev.gateway import SOURCES, Gateway, GatewayConfig
from everloop.dev.gateway.answers.prelude import CONTENT_TYPE, DELIMITER
from everloop.dev.journal import LogLine
from support.scripted_lambda import AsgiClient, ScriptedLambda

pytestmark = pytest.mark.anyio

HTML = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")]
PRELUDE = b'{"statusCode": 201, "headers": {"content-type": "text/plain"}}' + DELIMITER


def failed(kind: Failure, error_type: str = "Function.Oops", **more: Any) -> CallFailed:
    return CallFailed(kind, error_type, json.dumps({"errorType": error_type, **more}).encode())


async def serve(function: ScriptedLambda, client: AsgiClient, **config: Any) -> AsgiClient:
    await Gateway(function, GatewayConfig(**config), function.journal)(client.scope, client.receive, client.send)
    return client


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not met():  # noqa: ASYNC110 - the condition is another task's
            await asyncio.sleep(0)


FAILED = {
    "function-url": (502, "Internal Server Error"),
    "rest": (502, '{"message": "Internal server error"}'),
    "http-api": (500, '{"message":"Internal Server Error"}'),
    "http-api-1.0": (500, '{"message":"Internal Server Error"}'),
    "alb": (502, "502 Bad Gateway"),
    "alb-multi": (502, "502 Bad Gateway"),
    "lattice": (502, "Bad Gateway"),
    "lattice-1": (502, "Bad Gateway"),
}

LATE = {
    "function-url": (504, "Gateway Timeout"),
    "rest": (504, '{"message": "Endpoint request timed out"}'),
    "http-api": (503, '{"message":"Service Unavailable"}'),
    "http-api-1.0": (503, '{"message":"Service Unavailable"}'),
    "alb": (502, "502 Bad Gateway"),
    "alb-multi": (502, "502 Bad Gateway"),
    "lattice": (504, "Gateway Timeout"),
    "lattice-1": (504, "Gateway Timeout"),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", [Failure.FUNCTION, Failure.INIT, Failure.EXIT, Failure.TRUNCATED, Failure.TOO_LARGE])
async def test_a_failed_invocation(source: str, kind: Failure) -> None:
    """AWS's status and words, and one header more."""
    function = ScriptedLambda(failed(kind))
    client = await serve(function, AsgiClient(), source=source)

    status, words = FAILED[source]
    assert client.status == status
    assert words in client.body.decode()
    assert client.headers["x-everloop-error"] == "Function.Oops"
    assert client.is_complete
    assert function.executions[0].record.status == status


@pytest.mark.parametrize("source", SOURCES)
async def test_a_timeout(source: str) -> None:
    """The function's own."""
    client = await serve(ScriptedLambda(failed(Failure.TIMEOUT, "Sandbox.Timedout")), AsgiClient(), source=source)

    status, words = LATE[source]
    assert client.status == status
    assert words in client.body.decode()
    assert client.headers["x-everloop-error"] == "Sandbox.Timedout"


@pytest.mark.parametrize("source", SOURCES)
async def test_a_front_end_that_loses_patience(source: str) -> None:
    """API Gateway has a limit of its own, and the function goes on."""
    function = ScriptedLambda(asyncio.Event())
    client = await serve(function, AsgiClient(), source=source, integration_timeout=0.01)

    assert client.status == LATE[source][0]
    assert client.headers["x-everloop-error"] == "Gateway.IntegrationTimeout"
    assert not function.executions[0].record.client_gone


def test_patience_is_as_on_aws() -> None:
    """29 seconds, 30, or none of its own."""
    assert {source: GatewayConfig(source=source).patience for source in SOURCES} == {
        "function-url": None,
        "rest": 29,
        "http-api": 30,
        "http-api-1.0": 30,
        "alb": None,
        "alb-multi": None,
        "lattice": None,
        "lattice-1": None,
    }


async def test_a_server_that_stops() -> None:
    """It is not the function's fault."""
    client = await serve(ScriptedLambda(failed(Failure.SHUTDOWN)), AsgiClient())

    assert client.status == 503


@pytest.mark.parametrize("source", SOURCES)
async def test_an_answer_that_is_none(source: str) -> None:
    """AWS says nothing of why; the header, the page and the journal do."""
    function = ScriptedLambda(b'{"statusCode": "many"}')
    client = await serve(function, AsgiClient(), source=source)

    assert client.status == FAILED[source][0]
    assert client.headers["x-everloop-error"] == "Gateway.MalformedAnswer"
    record = function.executions[0].record
    assert record.error_type == "Gateway.MalformedAnswer"
    assert b"statusCode is 'many'" in record.error


LIMITS = {"function-url": 6_291_456, "rest": 10_485_760, "http-api": 10_485_760, "alb": 1_048_576, "lattice": 6_291_456}

TOO_LARGE = {
    "function-url": "Request must be smaller than 6291456 bytes",
    "rest": '{"message": "Request Too Long"}',
    "http-api": '{"message":"Request Entity Too Large"}',
    "alb": "413 Request Entity Too Large",
    "lattice": "Request Entity Too Large",
}


@pytest.mark.parametrize("source", LIMITS)
@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_limit(source: str, announced: bool) -> None:
    """413 as soon as it is known, and the function is not called; at the limit it is, where Lambda takes it."""
    limit = LIMITS[source]
    pieces = [b"x" * (limit // 4)] * 4 + [b"y"] * 4
    headers = [("content-length", str(limit + 4))] if announced else []
    function = ScriptedLambda(b'{"statusCode": 200}')
    client = await serve(function, AsgiClient(method="POST", headers=headers, body=pieces), source=source)

    assert client.status == 413
    assert TOO_LARGE[source] in client.body.decode()
    assert len(client.unread) == (8 if announced else 3)
    assert not function.calls


@pytest.mark.parametrize("source", SOURCES)
async def test_an_event_over_lambdas_limit(source: str) -> None:
    """What base64 makes of five megabytes is too much, however much the front end takes."""
    headers = [("content-type", "application/octet-stream")]
    function = ScriptedLambda(b'{"statusCode": 200}')
    client = await serve(
        function, AsgiClient(method="POST", headers=headers, body=[b"\xff" * 5_000_000]), source=source
    )

    assert client.status == 413
    assert not function.calls


async def test_a_body_at_the_limit_of_a_balancer() -> None:
    """To the byte."""
    function = ScriptedLambda(b'{"statusCode": 200}')
    client = AsgiClient(method="POST", headers=[("content-type", "text/plain")], body=[b"x" * 1_048_576])
    await serve(function, client, source="alb")

    assert client.status == 200


@pytest.mark.parametrize(
    ("config", "path", "status"),
    [
        ({"source": "rest", "stage": "prod"}, "/prod/items", 200),
        ({"source": "rest", "stage": "prod"}, "/prod", 200),
        ({"source": "rest", "stage": "prod"}, "/", 403),
        ({"source": "rest", "stage": "prod"}, "/production", 403),
        ({"source": "http-api", "stage": "prod"}, "/items", 404),
        ({"source": "http-api", "base_path": "shop/"}, "/shop/items", 200),
        ({"source": "http-api", "base_path": "/shop"}, "/items", 404),
        ({"source": "function-url", "base_path": "/shop"}, "/items", 404),
        ({"source": "alb", "base_path": "/shop"}, "/shopping", 404),
        ({"source": "lattice", "base_path": "/shop"}, "/shop", 200),
    ],
)
async def test_stage_and_base_path_are_the_front_ends(config: dict[str, Any], path: str, status: int) -> None:
    """What is not under them never reaches the function, and the header says why."""
    function = ScriptedLambda(b'{"statusCode": 200}')
    client = await serve(function, AsgiClient(path), **config)

    assert client.status == status
    assert len(function.calls) == (1 if status == 200 else 0)
    if status != 200:
        assert client.headers["x-everloop-error"] == ("NotUnderStage" if "stage" in config else "NotUnderBasePath")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"source": "cloudfront"}, "function-url, rest"),
        ({"stage": "prod"}, "has none"),
        ({"source": "alb", "stage": "prod"}, "has none"),
        ({"source": "rest", "stage": "a/b"}, "single path segment"),
        ({"source": "rest", "stage": ""}, "single path segment"),
        ({"websocket_stage": "/"}, "single path segment"),
    ],
)
def test_impossible_settings_are_refused(config: dict[str, Any], said: str) -> None:
    """With a message for the user."""
    with pytest.raises(ValueError, match=said):
        GatewayConfig(**config)


async def test_mapping_is_in_the_path_of_format_1_alone() -> None:
    """AWS's documentation: `rawPath` of format 2.0 lacks the mapping of a custom domain."""
    events = {}
    for source in ("rest", "http-api", "http-api-1.0"):
        function = ScriptedLambda(b'{"statusCode": 200}')
        await serve(function, AsgiClient("/shop/items"), source=source, base_path="/shop")
        events[source] = json.loads(function.calls[0].payload)

    assert events["rest"]["path"] == events["rest"]["requestContext"]["path"] == "/shop/items"
    assert events["rest"]["pathParameters"] == {"proxy": "items"}
    assert events["http-api-1.0"]["path"] == "/shop/items"
    assert events["http-api"]["rawPath"] == "/items"
    assert events["http-api"]["requestContext"]["http"]["path"] == "/shop/items"


async def test_the_call_is_labelled() -> None:
    """For the journal; a client's trace goes on in the function, what is no trace does not."""
    function = ScriptedLambda(b'{"statusCode": 200}')
    root = "Root=1-65a1b2c3-0123456789abcdef01234567"
    await serve(function, AsgiClient("/a%20b", query="x=1", headers=[("x-amzn-trace-id", root)]))
    await serve(function, AsgiClient(headers=[("x-amzn-trace-id", "my own; Sampled=1")]), source="rest")

    first, second = function.calls
    assert (first.source, first.label, first.streaming) == ("function-url", "GET /a%20b?x=1", False)
    assert first.trace_id is not None
    assert first.trace_id.startswith(f"{root};Parent=")
    assert first.request_id == json.loads(first.payload)["requestContext"]["requestId"]
    assert (second.source, second.label, second.trace_id, second.request_id) == ("rest", "GET /", None, None)


async def test_what_a_browser_sees() -> None:
    """The error, its traceback and the log, with everything of the application's escaped."""
    error = failed(Failure.FUNCTION, errorMessage="<script>alert(1)</script>", stackTrace=["  File <x>\n", "    y()\n"])
    function = ScriptedLambda(asyncio.Event(), error)
    client = AsgiClient(headers=HTML)
    serving = asyncio.ensure_future(serve(function, client, inspector="/_everloop/"))
    await until(lambda: bool(function.executions))
    function.executions[0].record.logs.append(LogLine(0.0, "stderr", "printed <b>"))
    waiting = function.steps[0]
    assert isinstance(waiting, asyncio.Event)
    waiting.set()
    await serving

    page = client.body.decode()
    assert client.status == 502
    assert client.headers["content-type"] == "text/html; charset=utf-8"
    assert client.headers["content-length"] == str(len(client.body))
    assert "Function.Oops" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "File &lt;x&gt;\n    y()" in page
    assert "printed &lt;b&gt;" in page
    assert "502 Bad Gateway" in page
    assert '<a href="/_everloop/">' in page
    assert "<script>" not in page
    assert "light dark" in page


@pytest.mark.parametrize("payload", [b"no json", b"[1]", b'{"errorMessage": 5, "stackTrace": "one line"}', b"\xff"])
async def test_what_a_browser_sees_of_an_odd_error(payload: bytes) -> None:
    """A runtime may post anything as its error."""
    client = await serve(
        ScriptedLambda(CallFailed(Failure.FUNCTION, "Function.Odd", payload)), AsgiClient(headers=HTML)
    )

    assert client.status == 502
    assert "Function.Odd" in client.body.decode()


async def test_head_of_a_failure_has_no_body() -> None:
    """Not even the page."""
    client = await serve(ScriptedLambda(failed(Failure.FUNCTION)), AsgiClient(method="HEAD", headers=HTML))

    assert (client.status, client.body) == (502, b"")


async def test_rest_that_buffers_drops_the_body_after_a_prelude() -> None:
    """As AWS's table says of the wrong transfer mode; a Function URL hands it on as it is."""
    function = ScriptedLambda(PRELUDE + b"body", content_type=CONTENT_TYPE)
    client = await serve(function, AsgiClient(), source="rest")
    assert (client.status, client.body) == (201, b"")

    client = await serve(function, AsgiClient())
    assert (client.status, client.body) == (200, PRELUDE + b"body")


async def test_a_streamed_response() -> None:
    """Head out of the prelude, then each piece as it came; both prelude and body may come in pieces."""
    steps = [PRELUDE[:5], PRELUDE[5:] + b"a", b"b", b"", b"c"]
    for source in ("function-url", "rest"):
        function = ScriptedLambda(*steps, content_type=f"{CONTENT_TYPE}; x=y")
        client = await serve(function, AsgiClient(), source=source, streaming=True)

        assert function.calls[0].streaming
        assert client.status == 201
        assert [message["body"] for message in client.sent[1:]] == [b"a", b"b", b"c", b""]
        assert client.is_complete
        record = function.executions[0].record
        assert [size for _, size in record.delivered] == [1, 2, 3]
        assert record.status == 201


@pytest.mark.parametrize("source", [source for source in SOURCES if source not in ("function-url", "rest")])
async def test_others_do_not_stream(source: str) -> None:
    """However they are configured."""
    function = ScriptedLambda(b'{"statusCode": 200}')
    await serve(function, AsgiClient(), source=source, streaming=True)

    assert not function.calls[0].streaming


async def test_a_function_url_that_streams_what_has_no_prelude() -> None:
    """The bytes with 200 and the type that the runtime said; a REST API answers 500."""
    function = ScriptedLambda(b'{"statusCode"', b": 404}", content_type="text/csv")
    client = await serve(function, AsgiClient(), streaming=True)
    assert (client.status, client.headers["content-type"]) == (200, "text/csv")
    assert client.body == b'{"statusCode": 404}'

    client = await serve(function, AsgiClient(), streaming=True, source="rest")
    assert (client.status, client.body) == (500, b'{"message": "Internal server error"}')
    assert client.headers["x-everloop-error"] == "Gateway.MalformedAnswer"
    assert function.executions[1].abandoned
    assert not function.executions[1].record.client_gone


@pytest.mark.parametrize("steps", [[b"no json" + DELIMITER], [b"x" * 10_000] * 2, [b'{"statusCode": 200}'], []])
@pytest.mark.parametrize(("source", "status"), [("function-url", 502), ("rest", 500)])
async def test_a_malformed_prelude(steps: list[bytes], source: str, status: int) -> None:
    """Too long, no JSON, or never ended: nothing of it reaches the client."""
    function = ScriptedLambda(*steps, content_type=CONTENT_TYPE)
    client = await serve(function, AsgiClient(), source=source, streaming=True)

    assert client.status == status
    assert client.is_complete


async def test_a_failure_before_the_prelude_is_whole() -> None:
    """It is still time for a status."""
    function = ScriptedLambda(PRELUDE[:5], failed(Failure.EXIT), content_type=CONTENT_TYPE)
    client = await serve(function, AsgiClient(), streaming=True)

    assert client.status == 502
    assert client.is_complete


async def test_a_failure_in_mid_stream() -> None:
    """The response is left incomplete, so that the server breaks the connection."""
    function = ScriptedLambda(PRELUDE + b"half", failed(Failure.FUNCTION), content_type=CONTENT_TYPE)
    client = await serve(function, AsgiClient(), streaming=True)

    assert client.status == 201
    assert [message["body"] for message in client.sent[1:]] == [b"half"]
    assert not client.is_complete


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_a_streamed_response_without_a_body(method: str, status: int) -> None:
    """What is sent for it is read and dropped."""
    prelude = f'{{"statusCode": {status}}}'.encode() + DELIMITER
    function = ScriptedLambda(prelude + b"never", b"seen", content_type=CONTENT_TYPE)
    client = await serve(function, AsgiClient(method=method), streaming=True)

    assert (client.status, client.body, client.is_complete) == (status, b"", True)
    assert function.executions[0].record.delivered == []


async def test_the_function_is_read_no_faster_than_the_client_reads() -> None:
    """While a piece waits, the next one is not asked for."""
    function = ScriptedLambda(PRELUDE, b"one", b"two", b"three", content_type=CONTENT_TYPE)
    client = AsgiClient()
    client.reading.clear()
    serving = asyncio.ensure_future(serve(function, client, streaming=True))
    for _ in range(20):
        await asyncio.sleep(0)

    assert function.executions[0].asked == 1
    client.reading.set()
    await serving
    assert client.body == b"onetwothree"


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_client_that_leaves_while_the_function_works(streaming: bool) -> None:
    """It is noted at once, and nothing is sent any more when the answer comes."""
    answer = asyncio.Event()
    function = ScriptedLambda(answer, PRELUDE, content_type=CONTENT_TYPE)
    client = AsgiClient()
    serving = asyncio.ensure_future(serve(function, client, streaming=streaming))
    await until(lambda: bool(function.executions))
    client.gone.set()
    await until(lambda: function.executions[0].abandoned)

    assert function.executions[0].record.client_gone
    answer.set()
    await serving
    assert client.sent == []


async def test_a_client_that_leaves_in_mid_stream() -> None:
    """The rest is not sent."""
    later = asyncio.Event()
    function = ScriptedLambda(PRELUDE + b"one", later, b"two", content_type=CONTENT_TYPE)
    client = AsgiClient()
    serving = asyncio.ensure_future(serve(function, client, streaming=True))
    await until(lambda: len(client.sent) == 2)
    client.gone.set()
    await until(lambda: function.executions[0].abandoned)
    later.set()
    await serving

    assert client.body == b"one"
    assert not client.is_complete


async def test_a_client_that_leaves_before_its_request_is_whole() -> None:
    """There is no event of half a request."""
    function = ScriptedLambda(b"{}")
    client = AsgiClient(method="POST", body=[b"half", b"other half"])
    client.unread[:] = [client.unread[0]]
    client.gone.set()
    await serve(function, client)

    assert not function.calls
    assert client.sent == []


async def test_a_server_that_cancels() -> None:
    """The execution learns that nobody waits for it."""
    function = ScriptedLambda(asyncio.Event())
    serving = asyncio.ensure_future(serve(function, AsgiClient()))
    await until(lambda: bool(function.executions))
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving

    assert function.executions[0].abandoned


@pytest.mark.parametrize(
    ("scope", "path", "query", "port"),
    [
        ({"raw_path": b"/a%2Fb", "path": "/a/b"}, "/a%2Fb", "", "9000"),
        ({"raw_path": b"/a%2Fb?x", "path": "/a/b"}, "/a%2Fb", "", "9000"),
        ({"raw_path": None, "path": "/é %/x"}, "/%C3%A9%20%25/x", "", "9000"),
        ({"raw_path": "/é".encode(), "query_string": "q=é".encode()}, "/%C3%A9", "q=%C3%A9", "9000"),
        ({"raw_path": b""}, "/", "", "9000"),
        ({"server": None}, "/", "", "80"),
        ({"headers": [(b"host", b"localhost:3000")]}, "/", "", "3000"),
        ({"headers": [(b"host", b"[::1]:3000")]}, "/", "", "3000"),
        ({"headers": [(b"host", b"[::1]")]}, "/", "", "80"),
        ({"headers": [(b"host", b"example.com:http")], "scheme": "https"}, "/", "", "443"),
    ],
)
async def test_requests_as_servers_hand_them_on(scope: dict[str, Any], path: str, query: str, port: str) -> None:
    """Raw paths where there are some; bytes that are not ASCII are encoded; the port is the one that was called."""
    function = ScriptedLambda(b"{}")
    client = AsgiClient()
    client.scope |= scope
    await serve(function, client)
    event = json.loads(function.calls[0].payload)

    assert event["rawPath"] == path
    assert event["rawQueryString"] == query
    assert event["headers"]["x-forwarded-port"] == port


def test_type_of_the_application() -> None:
    """It is a plain ASGI application."""
    function = ScriptedLambda()
    app: Callable[[Any, Any, Any], Awaitable[None]] = Gateway(function, GatewayConfig(), function.journal)

    assert callable(app)
