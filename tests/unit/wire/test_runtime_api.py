"""Requests to the Runtime API as exact bytes."""

import json

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everloop.report import ErrorReport
from everloop.wire.runtime_api import MAX_PAYLOAD, RequestEncoder, error_trailers, room_for_error_body

ENCODER = RequestEncoder("127.0.0.1:9001", "everloop/1.0")
COMMON = b" HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nUser-Agent: everloop/1.0\r\n"


def test_polls_are_these_bytes() -> None:
    """The next event, and the wait after a snapshot."""
    assert ENCODER.next == b"GET /2018-06-01/runtime/invocation/next" + COMMON + b"\r\n"
    assert ENCODER.restore_next == b"GET /2018-06-01/runtime/restore/next" + COMMON + b"\r\n"


def test_a_buffered_response_is_these_bytes() -> None:
    """The head of a response whose length is known."""
    assert ENCODER.response(b"id-1", None, b"application/json", 17) == (
        b"POST /2018-06-01/runtime/invocation/id-1/response"
        + COMMON
        + b"Content-Type: application/json\r\nContent-Length: 17\r\n\r\n"
    )


def test_the_attempt_s_id_is_sent_back_with_a_buffered_response() -> None:
    """Also with JSON, whose head is put together in a shorter way where there is none."""
    assert ENCODER.response(b"id-1", b"attempt-9", b"application/json", 17) == (
        b"POST /2018-06-01/runtime/invocation/id-1/response"
        + COMMON
        + b"Lambda-Runtime-Invocation-Id: attempt-9\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n"
    )


def test_a_host_with_a_percent_sign_stays_as_it_is() -> None:
    """An IPv6 zone has one: what comes from outside is no pattern."""
    encoder = RequestEncoder("[fe80::1%eth0]:9001", "everloop/1.0")
    heads = [encoder.response(b"id-1", None, kind, 2) for kind in (b"application/json", b"text/plain")]

    assert all(b"\r\nHost: [fe80::1%eth0]:9001\r\nUser-Agent: everloop/1.0\r\n" in head for head in heads)


def test_a_streamed_response_is_these_bytes() -> None:
    """The mode is lower-case `streaming`, and both trailers are declared: Lambda refuses or ignores anything else."""
    content_type = b"application/vnd.awslambda.http-integration-response"

    assert ENCODER.streaming_response(b"id-1", b"attempt-9", content_type) == (
        b"POST /2018-06-01/runtime/invocation/id-1/response" + COMMON + b"Lambda-Runtime-Invocation-Id: attempt-9\r\n"
        b"Lambda-Runtime-Function-Response-Mode: streaming\r\n"
        b"Content-Type: application/vnd.awslambda.http-integration-response\r\n"
        b"Transfer-Encoding: chunked\r\n"
        b"Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"
    )


def test_an_invocation_error_is_these_bytes() -> None:
    """Type in the header, report in the body, X-Ray cause where there is one."""
    assert ENCODER.error(b"id-1", b"attempt-9", "Function.ValueError", b'{"a":1}', b'{"paths":[]}') == (
        b"POST /2018-06-01/runtime/invocation/id-1/error" + COMMON + b"Lambda-Runtime-Invocation-Id: attempt-9\r\n"
        b'Lambda-Runtime-Function-XRay-Error-Cause: {"paths":[]}\r\n'
        b"Lambda-Runtime-Function-Error-Type: Function.ValueError\r\n"
        b"Content-Type: application/json\r\n"
        b"Content-Length: 7\r\n\r\n"
        b'{"a":1}'
    )


@pytest.mark.parametrize("kind", ["init", "restore"])
def test_an_error_of_start_up_is_these_bytes(kind: str) -> None:
    """Initialisation and restore errors belong to no invocation and carry no id."""
    encode = {"init": ENCODER.init_error, "restore": ENCODER.restore_error}[kind]

    assert encode("Runtime.HandlerNotFound", b"{}") == (
        f"POST /2018-06-01/runtime/{kind}/error".encode() + COMMON + b"Lambda-Runtime-Function-Error-Type: "
        b"Runtime.HandlerNotFound\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )


def test_an_attempt_that_came_without_id_is_answered_without() -> None:
    """`Lambda-Runtime-Invocation-Id` is sent back where it came, and never made up."""
    requests = [
        ENCODER.response(b"id-1", None, b"text/plain", 0),
        ENCODER.streaming_response(b"id-1", None, b"text/plain"),
        ENCODER.error(b"id-1", None, "Function.E", b""),
    ]

    assert not [request for request in requests if b"Invocation-Id" in request]


@given(st.binary(max_size=2_000), st.uuids())
def test_requests_are_read_by_h11(body: bytes, request_id: object) -> None:
    """Another implementation of HTTP/1.1 understands what we say, whatever the body is."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(ENCODER.error(str(request_id).encode(), b"a-1", "Function.Error", body))

    request, data = connection.next_event(), b""
    assert isinstance(request, h11.Request)
    while isinstance(event := connection.next_event(), h11.Data):
        data += bytes(event.data)

    assert isinstance(event, h11.EndOfMessage)
    assert request.target == f"/2018-06-01/runtime/invocation/{request_id}/error".encode()
    assert data == body


def test_error_trailers_are_these_bytes() -> None:
    """The type as text, the report in base64: a trailer is one line of ASCII."""
    assert error_trailers("Function.ValueError", b'{"errorMessage":"no\\nway"}') == (
        b"0\r\n"
        b"Lambda-Runtime-Function-Error-Type: Function.ValueError\r\n"
        b"Lambda-Runtime-Function-Error-Body: eyJlcnJvck1lc3NhZ2UiOiJub1xud2F5In0=\r\n\r\n"
    )


def test_the_limit_is_lambdas() -> None:
    """Six mebibytes and a hundred bytes, found in AWS's own runtime interface emulator."""
    assert MAX_PAYLOAD == 6_291_556


@given(
    st.text(max_size=300),
    st.text(max_size=50).flatmap(lambda text: st.integers(0, 400).map(lambda times: text * times)),
    st.lists(st.text(max_size=400), max_size=20),
)
def test_trailers_of_any_failure_are_short_enough(error_type: str, message: str, stack: list[str]) -> None:
    """And what is short already stays as it is."""
    report = ErrorReport(error_type, message, stack)
    room = room_for_error_body("Function.X")
    assert 3_990 < len(error_trailers("Function.X", b"x" * room)) <= 4_000
    body = report.to_short_json("id", room)
    assert len(error_trailers("Function.X", body)) <= 4096
    whole = report.to_json("id")
    if len(whole) <= room and len(json.dumps(message)) <= room // 2 and len(error_type) <= 100:
        assert body == whole
