"""How the inspector reads responses."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everloop.dev.inspector.answer import DELIMITER, PRELUDE_TYPE, as_text, read, shown


def test_a_prelude_is_separated_from_the_body() -> None:
    """And where the body begins is known."""
    response = b'{"statusCode":201,"headers":{}}' + DELIMITER + b"body" + DELIMITER
    answer = read(response, PRELUDE_TYPE)

    assert (answer.kind, answer.status, answer.body) == ("prelude", 201, b"body" + DELIMITER)
    assert response[answer.offset :] == answer.body


@pytest.mark.parametrize("response", [b'{"statusCode":201', b'{"statusCode":201}', b"[1]" + DELIMITER, b""])
def test_a_prelude_that_is_not_whole_is_a_payload(response: bytes) -> None:
    """Shown as it came."""
    answer = read(response, PRELUDE_TYPE)

    assert (answer.kind, answer.head, answer.body, answer.offset) == ("payload", None, response, 0)


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"body": "text"}, b"text"),
        ({"body": base64.b64encode(b"\0\xff").decode(), "isBase64Encoded": True}, b"\0\xff"),
        ({"body": "no base64!", "isBase64Encoded": True}, b"no base64!"),
        ({"body": {"a": 1}}, b'{"a": 1}'),
        ({"body": None}, b""),
        ({}, b""),
    ],
)
def test_an_envelope_is_separated_from_its_body(fields: dict[str, object], body: bytes) -> None:
    """Base64 is decoded where it is some."""
    answer = read(json.dumps({"statusCode": 200, "headers": {"a": "b"}, **fields}).encode(), "application/json")

    assert (answer.kind, answer.status, answer.body) == ("envelope", 200, body)
    assert answer.head is not None
    assert "body" not in answer.head


def test_what_json_cannot_carry_is_shown_all_the_same() -> None:
    """NaN as a word, and what is nested too deeply as text."""
    answer = read(b'{"statusCode": 200, "x": NaN, "body": "\\ud800"}', None)
    assert answer.head == {"statusCode": 200, "x": "NaN"}
    assert answer.body == b"\xed\xa0\x80"

    deep = b"[" * 100_000
    assert read(deep, None).body == deep


def test_any_other_json_is_a_payload() -> None:
    """What a plain handler returns."""
    assert read(b'{"a": 1}', "application/json").kind == "payload"
    assert read(b'{"statusCode": "x"}', "application/json").kind == "payload"


@given(st.text(), st.integers(0, 3))
def test_text_that_is_cut_within_a_character_is_text(text: str, cut: int) -> None:
    """A record keeps so many bytes, not characters."""
    text = text.replace("\0", "")
    data = text.encode()
    found = as_text(data[: max(0, len(data) - cut)])

    assert found is not None
    assert text.startswith(found)


@pytest.mark.parametrize("data", [b"\xff\xd8\xff\xe0", b"a\0b", b"abc\xffdefghij", b"\x80" * 10])
def test_what_is_no_text_is_shown_in_hexadecimal(data: bytes) -> None:
    """With offsets, and with what of it is ASCII."""
    view = shown(data)

    assert "text" not in view
    assert view["hex"].startswith(f"000000  {data[:16].hex(' ')}")
