"""What a plain handler returned or raised, beside what AWS's own client makes of the same."""

import datetime as dt
import decimal
import json
from collections import OrderedDict, namedtuple
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest
from awslambdaric.lambda_runtime_exception import FaultException
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller, to_json
from hypothesis import given
from hypothesis import strategies as st

from everloop.errors import MarshalError, UnmarshalError
from everloop.handlers import results
from everloop.handlers.results import MAX_XRAY_CAUSE, HandlerFailure, marshal, xray_cause

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.decimals(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_marshalled_as_by_aws(value: Any) -> None:
    """Any value, to the byte, or refused by both."""
    expected: bytes | str
    try:
        payload, kind = LambdaMarshaller().marshal_response(value)
    except FaultException as error:
        expected, kind = str(error.msg), ""
    else:
        expected = payload.encode()
    found: bytes | str
    try:
        found, found_kind = marshal(value)
    except MarshalError as error:
        found, found_kind = str(error), b""

    assert (found, found_kind) == (expected, kind.encode())


Point = namedtuple("Point", "x y")


class Level(IntEnum):
    HIGH = 2


CIRCULAR: dict[str, Any] = {}
CIRCULAR["itself"] = CIRCULAR


@pytest.mark.parametrize(
    "value",
    [
        {"tuple": (1, 2), "named": Point(1, 2), 7: "int", None: "none", True: "bool", 1.5: "float"},
        {"text": "é\U0001f600\u2028", "nan": float("nan"), "inf": -float("inf"), "big": 10**30},
        OrderedDict(a=1),
        {"enum": Level.HIGH, "deep": [[[{"a": [{}]}]]]},
    ],
)
def test_odd_values_are_marshalled_as_by_aws(value: object) -> None:
    """Whatever simplejson has rules of its own for."""
    assert marshal(value)[0].decode() == to_json(value)


@pytest.mark.parametrize("value", [CIRCULAR, {"a": {("tu", "ple"): 1}}, {"a": {1, 2}}])
def test_a_result_that_is_refused_leaves_nothing_behind(value: dict[str, Any]) -> None:
    """The same words as AWS's, and the next result is as it would have been."""
    with pytest.raises(FaultException) as expected:
        LambdaMarshaller().marshal_response(value)
    with pytest.raises(MarshalError) as caught:
        marshal(value)

    assert str(caught.value) == expected.value.msg
    assert marshal({"a": 1}) == (b'{"a": 1}', b"application/json")
    assert not results._key_memo


@pytest.mark.parametrize("maker", [None, lambda: None], ids=["built without it", "changed"])
def test_without_simplejsons_part_in_c_results_are_the_same(maker: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's own encoder then does all of the work."""
    monkeypatch.setattr(results, "c_make_encoder", maker)
    monkeypatch.setattr(results, "_encode", results._prepare(results._marshaller.jsonEncoder))

    assert results._encode is None
    assert marshal({"a": (1, "é")}) == (b'{"a": [1, "\\u00e9"]}', b"application/json")


@given(st.binary())
def test_bytes_are_sent_as_they_are(value: bytes) -> None:
    """With the type that says that nothing is known of them."""
    assert marshal(value) == (value, b"application/unknown")


@pytest.mark.parametrize("value", [{1, 2}, object(), dt.datetime(2026, 1, 1, tzinfo=dt.UTC), {"a": [1j]}])
def test_what_is_no_json(value: object) -> None:
    """Named as AWS names it; the cause is kept for the log."""
    with pytest.raises(MarshalError, match="Unable to marshal response") as caught:
        marshal(value)

    assert isinstance(caught.value.__cause__, TypeError)


def test_lone_surrogates_where_nothing_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's client dies of them; here the invocation fails."""
    monkeypatch.setattr("everloop.handlers.results._marshaller", unescaped(monkeypatch))
    with pytest.raises(MarshalError):
        marshal("\ud800")


def unescaped(monkeypatch: pytest.MonkeyPatch) -> LambdaMarshaller:
    """AWS's marshaller, as it is on AWS's own images."""
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13")
    return LambdaMarshaller()


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - any error
        return caught


def test_a_failure_is_told_in_awss_fields_and_order() -> None:
    """Type, message, the frames with their lines and without carets."""
    document = json.loads(HandlerFailure.of_handler(raised(decimal.InvalidOperation("off"))).to_json("request-1"))

    assert list(document) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (document["errorType"], document["errorMessage"]) == ("InvalidOperation", "off")
    [frame] = document["stackTrace"]
    assert frame.endswith("in raised\n    raise error\n")


def test_what_kept_the_handler_from_running_has_no_frames() -> None:
    """They would be everloop's."""
    report = HandlerFailure.of_handler(raised(UnmarshalError("not JSON")))

    assert (report.error_type, report.message, report.stack) == ("Runtime.UnmarshalError", "not JSON", [])
    assert json.loads(report.xray_cause or b"")["exceptions"][0]["type"] == "LambdaValidationError"


def test_a_working_directory_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler's own error is told, not that there is none."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    report = HandlerFailure.of_handler(raised(ValueError("of the handler")))

    assert (report.error_type, report.message) == ("ValueError", "of the handler")
    assert json.loads(report.xray_cause or b"")["working_directory"] == ""


def test_an_error_that_has_no_text() -> None:
    """Its report says so."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert HandlerFailure.of_handler(raised(Mute())).message == "<Mute whose __str__ raised RuntimeError>"


@given(st.text(max_size=200))
def test_the_cause_for_xray_is_a_header(message: str) -> None:
    """ASCII on one line, whatever the message; the same JSON as AWS's."""
    cause = xray_cause("ValueError", message, [("/var/task/main.py", 3, "handler", "raise ValueError")])

    assert cause is not None
    assert cause.isascii()
    assert b"\n" not in cause
    [exception] = json.loads(cause)["exceptions"]
    assert exception["message"] == message
    assert exception["stack"] == [{"label": "handler", "path": "/var/task/main.py", "line": 3}]
    assert to_json({}) == "{}"  # the encoder that AWS's client uses for it is still there


def test_a_cause_that_lambda_would_cut_is_left_out() -> None:
    """In the middle of its JSON."""
    room = MAX_XRAY_CAUSE - len(xray_cause("E", "", []) or b"")

    assert len(xray_cause("E", "x" * room, []) or b"") == MAX_XRAY_CAUSE
    assert xray_cause("E", "x" * (room + 1), []) is None
