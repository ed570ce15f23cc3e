"""Agents and frameworks that stream, each over several invocations of one process: where Mangum fails on the second."""

import json
from typing import Any

import pytest

from support.environment import Environment, Launcher
from support.exchange import Exchange
from support.process import ROOT
from support.sample_events import function_url

STREAMING = {"EVERLOOP_RESPONSE_MODE": "streaming"}
BOTH = pytest.mark.parametrize("settings", [STREAMING, {}], ids=["streaming", "buffered"])
TURNS = 3


def example(launch: Launcher, name: str, settings: dict[str, str]) -> Environment:
    return launch("main:app", settings, task_root=ROOT / "examples" / name)


def body_of(exchange: Exchange) -> bytes:
    """The body, however it was sent; a failed stream is no answer."""
    exchange.wait()
    if exchange.request.headers.get("lambda-runtime-function-response-mode") != "streaming":
        answer = exchange.response()
        assert answer["statusCode"] == 200, answer
        return str(answer["body"]).encode()
    assert exchange.trailers == {}
    assert exchange.request.prelude()["statusCode"] == 200, exchange.body
    return exchange.request.stream()


def posted(env: Environment, path: str, value: Any, **headers: str) -> Exchange:
    named = {"content-type": "application/json", **headers}
    return env.invoke(function_url(path, method="POST", headers=named, body=json.dumps(value)))


def data_of(body: bytes) -> list[Any]:
    """The JSON of every event."""
    lines = body.decode().replace("\r\n", "\n").splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def call_tool(env: Environment, name: str, arguments: dict[str, int]) -> Exchange:
    params = {"name": name, "arguments": arguments, "_meta": {"progressToken": "token"}}
    call = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
    accepted = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
    return posted(env, "/mcp", call, **accepted)


@BOTH
def test_mcp_server(launch: Launcher, settings: dict[str, str]) -> None:
    """The session manager, which runs once per process, serves call after call."""
    pytest.importorskip("mcp")
    env = example(launch, "mcp_server", settings | {"AWS_LAMBDA_LOG_LEVEL": "INFO"})
    for turn in range(TURNS):
        messages = data_of(body_of(call_tool(env, "add", {"a": turn, "b": 40})))
        assert messages[-1]["result"]["content"][0]["text"] == str(turn + 40)
    assert len(env.process.logged("session manager started")) == 1


def test_mcp_progress_is_streamed(launch: Launcher) -> None:
    """Each report of progress is with the agent before the next is made."""
    pytest.importorskip("mcp")
    env = example(launch, "mcp_server", STREAMING)
    for _ in range(2):
        exchange = call_tool(env, "count", {"to": 3})
        messages = data_of(body_of(exchange))
        assert [m["params"]["progress"] for m in messages if m.get("method") == "notifications/progress"] == [1, 2, 3]
        assert messages[-1]["result"]["content"][0]["text"] == "counted to 3"
        times = [chunk.ended for chunk in exchange.chunks if b"notifications/progress" in chunk.data]
        assert len(times) == 3
        assert times[2] - times[0] > 0.15


@BOTH
def test_chat_stream(launch: Launcher, settings: dict[str, str]) -> None:
    """Tokens as OpenAI's clients read them; the lifespan's state counts over all invocations."""
    env = example(launch, "chat_stream", settings)
    for turn in range(1, TURNS + 1):
        chat = {"model": "any", "stream": True, "messages": [{"role": "user", "content": "hello there"}]}
        body = body_of(posted(env, "/v1/chat/completions", chat))
        chunks = data_of(body)
        assert body.endswith(b"data: [DONE]\n\n")
        assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == "You said: hello there "
        assert {chunk["id"] for chunk in chunks} == {f"chatcmpl-{turn}"}


def test_chat_tokens_leave_one_by_one(launch: Launcher) -> None:
    """One token is one chunk, and they come over time."""
    env = example(launch, "chat_stream", STREAMING)
    chat = {"stream": True, "messages": [{"role": "user", "content": "one two three four five"}]}
    exchange = posted(env, "/v1/chat/completions", chat)
    body_of(exchange)
    times = [chunk.ended for chunk in exchange.chunks if b'"content"' in chunk.data]
    assert len(times) == 7
    assert times[-1] - times[0] > 0.08


@BOTH
@pytest.mark.parametrize("path", ["/by-hand", "/sse-starlette", "/fastapi"])
def test_server_sent_events(launch: Launcher, path: str, settings: dict[str, str]) -> None:
    """Three makers of server-sent events, behind BaseHTTPMiddleware, call after call."""
    pytest.importorskip("sse_starlette")
    env = example(launch, "server_sent_events", settings)
    for _ in range(TURNS):
        exchange = env.invoke(function_url(path))
        body = body_of(exchange).replace(b"\r\n", b"\n")
        assert [line for line in body.splitlines() if line.startswith(b"data:")] == [b"data: 0", b"data: 1", b"data: 2"]
        if settings:
            assert exchange.request.prelude()["headers"]["x-served-by"] == "everloop"
            times = [chunk.ended for chunk in exchange.chunks if b"data: " in chunk.data]
            assert len(times) == 3
            assert times[2] - times[0] > 0.08


def test_keep_alive_comments(launch: Launcher) -> None:
    """sse-starlette's pings leave while nothing else does."""
    pytest.importorskip("sse_starlette")
    env = example(launch, "server_sent_events", STREAMING)
    body = body_of(env.invoke(function_url("/sse-starlette", query="count=30&ping=1")))
    assert body.count(b": ping") >= 1


@BOTH
@pytest.mark.parametrize("path", ["/async", "/sync"])
def test_django(launch: Launcher, path: str, settings: dict[str, str]) -> None:
    """Django's StreamingHttpResponse; one from an asynchronous iterator leaves line by line."""
    pytest.importorskip("django")
    env = example(launch, "django_stream", settings)
    for _ in range(TURNS):
        exchange = env.invoke(function_url(path))
        assert body_of(exchange) == b"line 0\nline 1\nline 2\n"
        if settings and path == "/async":
            times = [chunk.ended for chunk in exchange.chunks if b"line" in chunk.data]
            assert len(times) == 3
            assert times[2] - times[0] > 0.08
