"""Invocations out of the Runtime API's headers."""

import contextlib
import json
import time

import pytest
from awslambdaric.lambda_context import LambdaContext
from hypothesis import given
from hypothesis import strategies as st

from everloop.errors import UnmarshalError
from everloop.invocation import Invocation, parse_event, parse_exactly

HEADERS = {
    b"Lambda-Runtime-Aws-Request-Id": b"8476a536-e9f4-11e8-9739-2dfe598c3fcd",
    b"Lambda-Runtime-Invocation-Id": b"attempt-9",
    b"Lambda-Runtime-Deadline-Ms": b"1768254259123",
    b"Lambda-Runtime-Invoked-Function-Arn": b"arn:aws:lambda:eu-west-1:123456789012:function:web",
    b"Lambda-Runtime-Trace-Id": b"Root=1-65a1b2c3-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1",
    b"Lambda-Runtime-Client-Context": '{"custom": {"name": "é"}}'.encode(),
    b"Lambda-Runtime-Cognito-Identity": b'{"cognitoIdentityId": "id"}',
    b"Lambda-Runtime-Aws-Tenant-Id": b"tenant-7",
    b"content-type": b"text/plain",
}
ID = {b"Lambda-Runtime-Aws-Request-Id": b"id-1"}


def test_every_header_has_its_field() -> None:
    """What Lambda says about an invocation."""
    invocation = Invocation(HEADERS, b"{}")

    assert invocation.request_id == "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
    assert invocation.invocation_id == "attempt-9"
    assert invocation.deadline == 1768254259.123
    assert invocation.function_arn == "arn:aws:lambda:eu-west-1:123456789012:function:web"
    assert invocation.trace_id == "Root=1-65a1b2c3-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1"
    assert invocation.client_context == '{"custom": {"name": "é"}}'
    assert invocation.cognito_identity == '{"cognitoIdentityId": "id"}'
    assert invocation.tenant_id == "tenant-7"


def test_what_did_not_come_is_none() -> None:
    """All but the request id may be absent."""
    invocation = Invocation(ID, b"{}")

    assert invocation.invocation_id is None
    assert invocation.deadline is None
    assert invocation.remaining() is None
    assert invocation.trace_id is None
    assert invocation.tenant_id is None


def test_a_client_context_that_is_no_utf_8_is_survived() -> None:
    """What the caller sent must not keep the event from being worked on."""
    assert Invocation(ID | {b"Lambda-Runtime-Client-Context": b"\xff{}"}, b"{}").client_context == "\ufffd{}"


@pytest.mark.parametrize("value", [b"", b"soon", b"-1", b"1e9", b"12.5", b" 5"])
def test_a_deadline_that_is_no_number_is_none(value: bytes) -> None:
    """Better no deadline than a wrong one."""
    assert Invocation(ID | {b"Lambda-Runtime-Deadline-Ms": value}, b"{}").deadline is None


@pytest.mark.parametrize("value", [b"0", b"9" * 16, b"9" * 400, b"9" * 5_000])
def test_an_absurd_deadline_is_survived(value: bytes) -> None:
    """AWS's emulator sends deadlines that are years ahead; nothing here may raise."""
    remaining = Invocation(ID | {b"Lambda-Runtime-Deadline-Ms": value}, b"{}").remaining()

    assert remaining is None or remaining < 0 or remaining > 1_000_000


def test_the_remaining_time_is_until_the_deadline() -> None:
    """In seconds."""
    soon = str(int((time.time() + 10) * 1000)).encode()
    remaining = Invocation(ID | {b"Lambda-Runtime-Deadline-Ms": soon}, b"{}").remaining()

    assert remaining is not None
    assert 9 < remaining <= 10


def test_the_event_is_json_whatever_its_content_type_says() -> None:
    """The emulator passes on the type of curl's forms."""
    assert Invocation(HEADERS, b'{"a": 1}').event == {"a": 1}


@pytest.mark.parametrize("payload", [b"", b"{", b"hello", b"\xff", b'{"a": 1}x', b"[" * 200_000])
def test_an_event_that_is_no_json_is_refused_with_what_came(payload: bytes) -> None:
    """The developer sees the beginning of it."""
    with pytest.raises(UnmarshalError, match="not JSON"):
        parse_event(payload)


@pytest.mark.parametrize("payload", [b'{"a": NaN}', b'"\\ud800"', b"1" * 100, b'{"a": 1, "a": 2}'])
def test_what_the_standard_library_takes_is_taken(payload: bytes) -> None:
    """AWS's own client reads these events."""
    parse_event(payload)


@given(st.binary(max_size=60))
def test_any_payload_is_parsed_or_refused(payload: bytes) -> None:
    """Callers of Invoke send whatever they like."""
    with contextlib.suppress(UnmarshalError):
        parse_event(payload)


@given(st.text("ab1", max_size=12), st.integers(-(10**25), 10**25) | st.integers(10**17, 2**64 + 10))
def test_integers_of_any_size_are_exact_wherever_they_stand(before: str, number: int) -> None:
    """Most events are told at a glance to have no large integers; none that has may be among them."""
    event = {before: number, "time": 1583348638390}

    assert parse_exactly(json.dumps(event).encode()) == event


def test_contexts_are_like_those_of_aws_and_share_nothing() -> None:
    """The second and later ones are made by a pattern."""
    contexts = [Invocation(ID, b"{}").new_context() for _ in range(3)]
    whole = LambdaContext("id-1", None, None, 0, None, None)

    for context in contexts:
        assert type(context) is LambdaContext
        assert vars(context).keys() == vars(whole).keys()
        assert repr(context) == repr(whole)
        assert context.w3c() == {}
    contexts[0].identity.cognito_identity_id = "mine"
    contexts[0].extra = 1
    assert contexts[1].identity.cognito_identity_id is None
    assert not hasattr(contexts[2], "extra")
