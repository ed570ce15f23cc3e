"""The prelude of a streamed HTTP response: JSON, eight NUL bytes, and nothing that could be taken for them."""

import json

from hypothesis import given
from hypothesis import strategies as st

from everloop.wire.prelude import CONTENT_TYPE, DELIMITER, LIMIT, encode_prelude

heads = st.fixed_dictionaries(
    {"statusCode": st.integers(100, 599), "headers": st.dictionaries(st.text(max_size=20), st.text(max_size=60))},
    optional={"cookies": st.lists(st.text(max_size=40), max_size=4)},
)


def test_a_prelude_is_these_bytes() -> None:
    """Compact JSON and the delimiter."""
    head = {"statusCode": 201, "headers": {"content-type": "text/plain"}, "cookies": ["a=1; Path=/"]}

    assert encode_prelude(head) == (
        b'{"statusCode":201,"headers":{"content-type":"text/plain"},"cookies":["a=1; Path=/"]}\0\0\0\0\0\0\0\0'
    )


@given(heads, st.binary(max_size=50))
def test_the_first_eight_nul_bytes_end_the_prelude(head: dict[str, object], body: bytes) -> None:
    """A reader that looks for the delimiter finds the head before it and the whole body after it."""
    document, delimiter, rest = (encode_prelude(head) + body).partition(DELIMITER)

    assert json.loads(document) == head
    assert (delimiter, rest) == (b"\0" * 8, body)


def test_limit_and_content_type_are_lambdas() -> None:
    """What API Gateway and Function URLs look for."""
    assert LIMIT == 16_384
    assert CONTENT_TYPE == b"application/vnd.awslambda.http-integration-response"
