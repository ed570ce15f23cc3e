"""The rig itself, driven by AWS's own client and by bare sockets: a rig that is wrong proves nothing."""

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator

import pytest

from support.answers import Answer, Drop, Stall, refusal
from support.environment import Launcher
from support.scripted_api import ScriptedRuntimeApi

RIC = [sys.executable, "-m", "awslambdaric"]
NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: h\r\n\r\n"


def post(request_id: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1", "Host: h", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextlib.contextmanager
def connected(api: ScriptedRuntimeApi) -> Iterator[socket.socket]:
    host, _, port = api.address.partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as sock:
        yield sock


def test_aws_client_serves_invocations(launch: Launcher) -> None:
    """AWS's client gets events from the rig in order, and its answers come back to the right exchange."""
    aws = launch(None, command=[*RIC, "plain.echo"])
    exchanges = [aws.invoke({"n": n}) for n in range(3)]
    for n, exchange in enumerate(exchanges):
        assert exchange.response() == {"event": {"n": n}, "request_id": exchange.request_id}
        assert exchange.head.startswith(f"POST /2018-06-01/runtime/invocation/{exchange.request_id}/response ".encode())
        assert exchange.raw == exchange.head + exchange.body
    aws.api.wait_for_poll()


def test_aws_client_reports_errors(launch: Launcher) -> None:
    """A failed invocation of AWS's client is recorded as an error, with its headers."""
    aws = launch(None, command=[*RIC, "plain.fail"])
    exchange = aws.invoke({})
    assert exchange.error()["errorMessage"] == "broken on purpose"
    assert "lambda-runtime-function-xray-error-cause" in exchange.request.headers
    aws.process.wait_for_log("broken on purpose")


def test_aws_client_reports_failed_initialisation(launch: Launcher) -> None:
    """A failed initialisation of AWS's client is recorded, and its exit code is seen."""
    aws = launch(None, command=[*RIC, "no_such_module.handler"])
    assert aws.api.wait_for_request("init/error").json()["errorType"] == "Runtime.ImportModuleError"
    assert aws.process.exit_code() == 1


def test_pipelined_requests_are_told_apart(api: ScriptedRuntimeApi) -> None:
    """A response and the next poll in one segment are two requests with exact bytes each; answers keep their order."""
    first, second = api.invoke({"n": 1}), api.invoke({"n": 2})
    with connected(api) as sock:
        sock.sendall(NEXT)
        assert b'{"n": 1}' in sock.recv(65536)
        before = api.connections[0].segments()
        answer = post(first.request_id, b"1", "Content-Length: 1")
        sock.sendall(answer + NEXT)
        second.wait_for_delivery()
        received = b""
        while b'{"n": 2}' not in received:
            received += sock.recv(65536)
    assert received.index(b"202") < received.index(b'{"n": 2}')
    assert first.raw == answer
    assert api.connections[0].segments() - before == 1
    assert first.request.head_piece == api.requests_to("next")[1].head_piece


def test_two_writes_are_two_segments(api: ScriptedRuntimeApi) -> None:
    """Writes of the client are counted by the kernel, so a late reader does not take two for one."""
    exchange = api.invoke({})
    with connected(api) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(NEXT)
        sock.recv(65536)
        before = api.connections[0].segments()
        sock.sendall(post(exchange.request_id, b"1", "Content-Length: 1"))
        sock.sendall(NEXT)
        api.wait_for_poll()
        assert api.connections[0].segments() - before == 2


def test_chunks_and_trailers_are_recorded(api: ScriptedRuntimeApi) -> None:
    """Chunks are recorded one by one with their times, trailers by name."""
    exchange = api.invoke({})
    head = post(exchange.request_id, b"", "Transfer-Encoding: chunked", "Trailer: X-End")
    with connected(api) as sock:
        sock.sendall(NEXT)
        sock.recv(65536)
        sock.sendall(head + b"3\r\nabc\r\n")
        exchange.wait_for_size(3)
        sock.sendall(b"2\r\nde\r\n0\r\nX-End: yes\r\n\r\n")
        exchange.wait()
    assert [chunk.data for chunk in exchange.chunks] == [b"abc", b"de"]
    assert exchange.chunks[0].ended < exchange.chunks[1].started
    assert exchange.trailers == {"x-end": "yes"}
    assert exchange.body == b"abcde"


def test_what_is_not_http_is_a_fault(api: ScriptedRuntimeApi) -> None:
    """Bytes that h11 refuses are kept as a fault, which the fixture turns into a failed test."""
    with connected(api) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nbad header\r\n\r\n")
        api.wait_for(lambda: bool(api.faults), "a fault")
    assert "bad header" in api.faults[0]


def test_an_answer_nobody_asked_for_is_a_fault(api: ScriptedRuntimeApi) -> None:
    """A POST for an unknown invocation is a fault."""
    with connected(api) as sock:
        sock.sendall(post("no-such-id", b"1", "Content-Length: 1"))
        sock.recv(65536)
    assert "no-such-id" in api.faults[0]


@pytest.mark.parametrize("piece", [1, 7])
def test_deliveries_can_be_split(api: ScriptedRuntimeApi, piece: int) -> None:
    """A delivery in small pieces is the same delivery."""
    api.invoke({"n": 1}, delivery=Answer(piece=piece))
    with connected(api) as sock:
        sock.sendall(NEXT)
        received = b""
        while not received.endswith(b'{"n": 1}'):
            received += sock.recv(65536)
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.count(b"\r\n\r\n") == 1


def test_refusals_come_early_and_close(api: ScriptedRuntimeApi) -> None:
    """A refusal can be sent before the request's body has come, and closes the connection."""
    exchange = api.invoke({}, answer=refusal(413, "RequestEntityTooLarge", after=0, close=True))
    with connected(api) as sock:
        sock.sendall(NEXT)
        sock.recv(65536)
        sock.sendall(post(exchange.request_id, b"", "Content-Length: 1000000"))
        received = b""
        while data := sock.recv(65536):
            received += data
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in received.lower()


@pytest.mark.parametrize("plan", [Drop(), Drop(after=2), Drop(after=0), Drop(reset=True), Answer(partial=9)])
def test_connections_can_be_dropped_anywhere(api: ScriptedRuntimeApi, plan: Answer | Drop) -> None:
    """A connection can end before, in and after the request, and in the middle of the answer."""
    exchange = api.invoke({}, answer=plan)
    with connected(api) as sock:
        sock.sendall(NEXT)
        sock.recv(65536)
        announced = 2 if plan.after is None else 3
        sock.sendall(post(exchange.request_id, b"12", f"Content-Length: {announced}"))
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while data := sock.recv(65536):
                received += data
    assert received == (b"HTTP/1.1 " if isinstance(plan, Answer) else b"")
    exchange.wait()
    assert exchange.request.broken == (plan.after is not None)


def test_reading_can_stop() -> None:
    """A stalled request fills the socket, so that its sender must wait; then it goes on."""
    with ScriptedRuntimeApi(receive_buffer=4096) as api, connected(api) as sock:
        resume = threading.Event()
        exchange = api.invoke({}, answer=Answer(stall=Stall(after=1, until=resume)))
        sock.sendall(NEXT)
        sock.recv(65536)
        sock.sendall(post(exchange.request_id, b"", "Content-Length: 20000000"))
        sock.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 20_000_000:
                sent += sock.send(b"x" * 65536)
        assert sent < 20_000_000
        resume.set()
        sock.settimeout(10)
        while sent < 20_000_000:
            sent += sock.send(b"x" * min(65536, 20_000_000 - sent))
        exchange.wait()
        assert exchange.request.size == 20_000_000


def test_an_abandoned_poll_gets_no_event(api: ScriptedRuntimeApi) -> None:
    """An event goes to a poll that is still there, not to one whose connection has ended."""
    with connected(api) as sock:
        sock.sendall(NEXT)
        api.wait_for_poll()
    api.wait_for(lambda: not api.parked, "the poll's end")
    exchange = api.invoke({"n": 1})
    with connected(api) as sock:
        sock.sendall(NEXT)
        assert b'{"n": 1}' in sock.recv(65536)
    assert exchange.delivered_to is api.requests_to("next")[1]
