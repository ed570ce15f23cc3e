"""Text or base64: the rule of the contract, row by row."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everloop.exchange import ResponseHead
from everloop.sources.body import TextTypes

BODY = "grüezi".encode()

TEXT = [
    "text/plain",
    "text/html",
    "text/css",
    "text/event-stream",
    "text/csv; header=present",
    "application/json",
    "application/javascript",
    "application/x-javascript",
    "application/xml",
    "application/yaml",
    "application/x-yaml",
    "application/toml",
    "application/graphql",
    "application/x-ndjson",
    "application/jsonl",
    "application/x-www-form-urlencoded",
    "image/svg+xml",
    "application/problem+json",
    "application/vnd.api+json",
    "application/ld+json",
    "application/atom+xml",
    "application/xhtml+xml",
    "application/vnd.oai.openapi+yaml",
    "Application/JSON",
    "TEXT/HTML; Charset=UTF-8",
    "text/html;charset=utf-8",
    "text/html ; charset=utf-8",
    'text/html; charset="utf-8"',
    "text/plain; charset=us-ascii",
    "text/plain; charset=ascii",
    "text/plain; format=flowed; charset=UTF-8",
    "application/json; charset=utf-8",
]

NOT_TEXT = [
    "application/octet-stream",
    "application/pdf",
    "application/zip",
    "application/x-protobuf",
    "application/wasm",
    "application/json-seq",
    "application/xml-dtd",
    "application/vnd.ms-excel",
    "application/x+jsonx",
    "image/png",
    "image/svg",
    "font/woff2",
    "video/mp4",
    "multipart/form-data; boundary=x",
    "textual/plain",
    "application/octet-stream; name=text/plain",
    "text/plain; charset=iso-8859-1",
    "text/plain; charset=utf-16",
    'text/html; charset="windows-1252"',
    "application/json; charset=latin-1",
    "text/html; format=flowed; charset=shift_jis",
]


def encode(headers: list[tuple[str, str]], body: bytes = BODY, extra: tuple[str, ...] = ()) -> tuple[str, bool]:
    return TextTypes(extra).encode(ResponseHead(200, headers), body)


def base64_of(body: bytes) -> tuple[str, bool]:
    return base64.b64encode(body).decode(), True


@pytest.mark.parametrize("content_type", TEXT)
def test_text_types_go_as_text(content_type: str) -> None:
    """A text body is readable in the envelope, in the logs and in the console."""
    assert encode([("content-type", content_type)]) == ("grüezi", False)


@pytest.mark.parametrize("content_type", NOT_TEXT)
def test_other_types_and_charsets_go_as_base64(content_type: str) -> None:
    """What is not text in UTF-8 arrives byte for byte all the same."""
    assert encode([("content-type", content_type)]) == base64_of(BODY)


def test_absent_type_goes_as_text() -> None:
    """No content type is invented, and none is needed for text."""
    assert encode([]) == ("grüezi", False)
    assert encode([("x-other", "application/octet-stream")]) == ("grüezi", False)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "identity"])
def test_any_content_encoding_goes_as_base64(coding: str) -> None:
    """A coded body is not text, even where its bytes happen to be."""
    headers = [("content-type", "text/plain"), ("content-encoding", coding)]

    assert encode(headers) == base64_of(BODY)


@pytest.mark.parametrize("headers", [[], [("content-type", "text/plain; charset=utf-8")]], ids=["no type", "text"])
@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe", b"ok\x80", b"\xed\xa0\x80", b"\xc0\xaf", "é".encode()[:1]],
    ids=["utf-16 mark", "lone byte", "surrogate", "overlong", "cut"],
)
def test_what_is_not_utf8_goes_as_base64(headers: list[tuple[str, str]], body: bytes) -> None:
    """The type may lie; the bytes are kept."""
    assert encode(headers, body) == base64_of(body)


def test_ascii_that_is_none_is_judged_by_its_bytes() -> None:
    """`charset=us-ascii` with UTF-8 bytes is still text: clients get the same bytes."""
    assert encode([("content-type", "text/plain; charset=us-ascii")]) == ("grüezi", False)


def test_types_of_the_users_own_are_text() -> None:
    """`EVERLOOP_TEXT_TYPES` adds to the list, and the charset rule holds for these too."""
    extra = ("application/x-foo", "model/x3d")

    assert encode([("content-type", "application/x-foo")], extra=extra) == ("grüezi", False)
    assert encode([("content-type", "Model/X3D; charset=utf-8")], extra=extra) == ("grüezi", False)
    assert encode([("content-type", "application/x-foo; charset=latin-1")], extra=extra) == base64_of(BODY)
    assert encode([("content-type", "application/x-fool")], extra=extra) == base64_of(BODY)


def test_nul_and_control_characters_are_text() -> None:
    """JSON can carry them; nothing is lost."""
    assert encode([("content-type", "text/plain")], b"a\0b\x1b\r\n\t") == ("a\0b\x1b\r\n\t", False)


def test_an_empty_body_is_empty() -> None:
    """Whatever its type."""
    assert encode([("content-type", "image/png")], b"")[0] == ""
    assert encode([], b"") == ("", False)


@given(st.sampled_from([*TEXT, *NOT_TEXT, None]), st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_every_body_comes_back(content_type: str | None, body: bytes) -> None:
    """Reading the envelope as AWS does gives the application's bytes."""
    text, is_base64 = encode([] if content_type is None else [("content-type", content_type)], body)

    assert (base64.b64decode(text, validate=True) if is_base64 else text.encode()) == body


@given(st.text(max_size=60))
def test_odd_content_types_never_raise(content_type: str) -> None:
    """A content type is the application's: any text may come."""
    text, is_base64 = encode([("content-type", content_type)])

    assert (text, is_base64) in (("grüezi", False), base64_of(BODY))
