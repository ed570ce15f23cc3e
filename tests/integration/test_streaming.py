"""Streamed answers on the wire: head, prelude, chunks, end, and when each leaves."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from support.environment import Environment, Launcher
from support.gates import Gates
from support.sample_events import function_url, rest
from support.scripted_api import Exchange

Share = Callable[..., Environment]

NULS = b"\0" * 8
STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming"}
TRAILER_NAMES = {"lambda-runtime-function-error-type", "lambda-runtime-function-error-body"}


def assert_streaming_head(exchange: Exchange) -> None:
    """The head that AWS asks for when a response is streamed."""
    request = exchange.request
    assert request.request_line == f"POST /2018-06-01/runtime/invocation/{exchange.request_id}/response HTTP/1.1"
    assert request.headers["lambda-runtime-function-response-mode"] == "streaming"
    assert request.headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert request.headers["transfer-encoding"] == "chunked"
    assert {name.strip().lower() for name in request.headers["trailer"].split(",")} == TRAILER_NAMES
    assert "content-length" not in request.headers


def test_streamed_response_has_the_head_that_aws_asks_for(launch: Launcher, loop: dict[str, str]) -> None:
    """Mode, type, chunked coding and both trailers are declared in the head."""
    env = launch("streaming:pieces", {**STREAMING, **loop})
    assert_streaming_head(env.invoke(function_url()).wait())


def test_body_is_prelude_eight_nuls_and_the_messages(launch: Launcher, loop: dict[str, str]) -> None:
    """The body is the JSON prelude, exactly eight NUL bytes, and the application's bytes, unencoded."""
    env = launch("streaming:pieces", {**STREAMING, **loop})
    exchange = env.invoke(function_url()).wait()
    prelude, _, rest_of_body = exchange.body.partition(NULS)
    assert json.loads(prelude) == {"statusCode": 200, "headers": {"content-type": "text/plain"}}
    assert rest_of_body == b"abcdef"
    assert exchange.trailers == {}


def test_nothing_leaves_before_the_first_body_message(launch: Launcher, gates: Gates, loop: dict[str, str]) -> None:
    """`http.response.start` alone sends nothing."""
    env = launch("streaming:gated", {**STREAMING, **loop, **gates.env})
    exchange = env.invoke(function_url())
    env.process.wait_for_log("start sent")
    assert exchange.requests == []
    gates.open("first", "second", "end")
    exchange.wait()


def test_head_prelude_and_first_chunk_leave_together(launch: Launcher, gates: Gates, loop: dict[str, str]) -> None:
    """With the first body message head, prelude, delimiter and bytes leave in one piece."""
    env = launch("streaming:gated", {**STREAMING, **loop, **gates.env})
    poll = env.api.wait_for_poll()[0]
    before = poll.connection.segments()
    exchange = env.invoke(function_url())
    gates.open("first")
    exchange.wait_for_bytes(b"one")
    assert exchange.body.partition(NULS)[2] == b"one"
    assert exchange.request.connection.segments() - before == 1
    gates.open("second", "end")
    exchange.wait()


def test_each_message_leaves_at_once(launch: Launcher, gates: Gates, loop: dict[str, str]) -> None:
    """Every later message is on the wire while the application still waits to send the next one."""
    env = launch("streaming:gated", {**STREAMING, **loop, **gates.env})
    exchange = env.invoke(function_url())
    for gate, received in (("first", b"one"), ("second", b"onetwo")):
        gates.open(gate)
        exchange.wait_for_bytes(received[-3:])
        assert exchange.request.stream() == received
        assert not exchange.request.complete
    gates.open("end")
    assert exchange.wait().request.stream() == b"onetwo"
    times = [chunk.ended for chunk in exchange.chunks]
    assert times == sorted(times)
    assert [bytes(chunk.data) for chunk in exchange.chunks][-1] == b"two"


def test_messages_are_chunks(launch: Launcher) -> None:
    """One message is one chunk; empty ones are never written, because an empty chunk would end the body."""
    env = launch("streaming:pieces", STREAMING)
    exchange = env.invoke(function_url()).wait()
    chunks = [bytes(chunk.data) for chunk in exchange.chunks]
    assert all(chunks)
    assert chunks[-3:] == [b"a", b"bc", b"def"]
    assert b"".join(chunks[:-3]).endswith(NULS)
    assert exchange.raw.endswith(b"3\r\ndef\r\n0\r\n\r\n")


def test_empty_first_message_sends_the_prelude_alone(launch: Launcher, gates: Gates) -> None:
    """An empty first message with `more_body` sends head and prelude, so that the client sees the status."""
    env = launch("streaming:empty_first", {**STREAMING, **gates.env})
    exchange = env.invoke(function_url())
    exchange.wait_for_bytes(NULS)
    assert exchange.request.stream() == b""
    assert not exchange.request.complete
    gates.open("first")
    assert exchange.wait().request.stream() == b"late"


def answered(env: Environment, method: str = "GET", **query: object) -> Exchange:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return env.invoke(function_url(method=method, query=text)).wait()


def answered_to_rest(env: Environment, method: str = "GET", **query: object) -> Exchange:
    event = rest(method=method)
    event["multiValueQueryStringParameters"] = {name: [str(value)] for name, value in query.items()}
    return env.invoke(event).wait()


BOTH_SOURCES = pytest.mark.parametrize("ask", [answered, answered_to_rest], ids=["function URL", "REST"])


@BOTH_SOURCES
@pytest.mark.parametrize(
    ("method", "status"),
    [("HEAD", 200), ("GET", 204), ("GET", 304), ("HEAD", 404), ("HEAD", 206), ("HEAD", 302)],
    ids=["HEAD", "204", "304", "404", "206", "302"],
)
def test_bodies_that_http_forbids_are_dropped(shared: Share, method: str, status: int, ask: Any) -> None:
    """For HEAD, 204 and 304 the application's body is dropped: prelude, delimiter, end."""
    env = shared("answers_with:app", STREAMING)
    exchange = ask(env, method, status=status, text="never")
    assert_streaming_head(exchange)
    assert exchange.request.prelude()["statusCode"] == status
    assert exchange.body.endswith(NULS)
    assert exchange.raw.endswith(b"\r\n0\r\n\r\n")
    assert ask(env, text="hello").request.stream() == b"hello"


@BOTH_SOURCES
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 201, 400])
def test_answers_without_a_body(shared: Share, status: int, ask: Any) -> None:
    """A redirect is status, location and the end, in one write; Lambda needs the delimiter to know that."""
    env = shared("answers_with:app", STREAMING)
    exchange = ask(env, status=status, text="", name="location", value="/elsewhere")
    prelude = exchange.request.prelude()
    assert prelude["statusCode"] == status
    assert prelude["headers"]["location"] == "/elsewhere"
    assert exchange.body.endswith(NULS)
    assert exchange.raw.endswith(b"\r\n0\r\n\r\n")
    assert exchange.trailers == {}


def test_empty_body_is_prelude_and_end(shared: Share) -> None:
    """An empty body is streamed as prelude, delimiter and end."""
    env = shared("answers_with:app", STREAMING)
    exchange = answered(env, text="", status=200)
    assert exchange.body.endswith(NULS)
    assert exchange.raw.endswith(b"\r\n0\r\n\r\n")


def test_framing_headers_are_not_in_the_prelude(shared: Share) -> None:
    """Content-Length and the hop-by-hop headers are removed from the prelude; others stay."""
    env = shared("answers_with:app", STREAMING)
    removed = ["content-length", "transfer-encoding", "connection", "keep-alive"]
    names = [*removed, "Content-Length", "x-kept"]
    query = "&".join(f"name={name}&value={5 if 'ength' in name else 'close'}" for name in names)
    exchange = env.invoke(function_url(query=query)).wait()
    assert exchange.request.prelude() == {"statusCode": 200, "headers": {"x-kept": "close"}}


def test_cookies_of_a_function_url_are_cookies(shared: Share) -> None:
    """A Function URL's prelude carries cookies in `cookies` and joins other repeated headers with a comma."""
    env = shared("answers_with:app", STREAMING)
    query = "name=set-cookie&value=a%3D1&name=set-cookie&value=b%3D2&name=vary&value=x&name=vary&value=y"
    prelude = env.invoke(function_url(query=query)).wait().request.prelude()
    assert prelude == {"statusCode": 200, "headers": {"vary": "x,y"}, "cookies": ["a=1", "b=2"]}


def test_rest_prelude_has_multi_value_headers(shared: Share) -> None:
    """A REST prelude carries repeated headers and cookies in `multiValueHeaders`, and no other keys."""
    env = shared("answers_with:app", STREAMING)
    event = rest()
    event["multiValueQueryStringParameters"] = {
        "name": ["set-cookie", "set-cookie", "x-one"],
        "value": ["a=1", "b=2", "single"],
    }
    exchange = env.invoke(event).wait()
    assert_streaming_head(exchange)
    prelude = exchange.request.prelude()
    assert set(prelude) <= {"statusCode", "headers", "multiValueHeaders"}
    assert prelude["multiValueHeaders"]["set-cookie"] == ["a=1", "b=2"]
    single = prelude.get("headers", {}).get("x-one") or prelude["multiValueHeaders"]["x-one"][0]
    assert single == "single"


LIMIT = 16_384


def test_prelude_at_the_limit_is_sent(shared: Share) -> None:
    """A prelude of exactly 16,384 bytes, delimiter included, is sent."""
    env = shared("answers_with:huge_head", STREAMING)
    first = answered(env, size=1)
    room = LIMIT - (len(first.body.partition(NULS)[0]) + 8 - 1)
    exchange = answered(env, size=room)
    prelude, nuls, _ = exchange.body.partition(NULS)
    assert len(prelude + nuls) == LIMIT
    assert exchange.request.prelude()["statusCode"] == 200


def test_prelude_over_the_limit_becomes_a_500(shared: Share) -> None:
    """One byte more is replaced by a 500 before anything is sent, and the log gives the size."""
    env = shared("answers_with:huge_head", STREAMING)
    first = answered(env, size=1)
    room = LIMIT - (len(first.body.partition(NULS)[0]) + 8 - 1)
    exchange = answered(env, size=room + 1)
    assert_streaming_head(exchange)
    assert exchange.request.prelude()["statusCode"] == 500
    assert b"never with such a head" not in exchange.body
    env.process.wait_for_log(r"16,?385")
    assert answered(env, size=1).request.prelude()["statusCode"] == 200


def test_streams_share_the_connection(launch: Launcher) -> None:
    """After a complete stream the connection goes on to be used, and the next poll does not wait for the 202."""
    env = launch("streaming:pieces", {**STREAMING, "EVERLOOP_EXTENSION": "off"})
    for _ in range(5):
        env.invoke(function_url()).wait()
    env.api.wait_for_poll()
    assert len(env.api.connections) == 1
    assert [request.endpoint for request in env.api.requests] == ["next", "response"] * 5 + ["next"]
