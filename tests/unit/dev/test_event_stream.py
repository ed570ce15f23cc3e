"""The event-stream encoding, read by botocore's own decoder."""

from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from everloop.dev.event_stream import encode_event, encode_message

NAMES = st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=40)


@given(st.dictionaries(NAMES, st.text(max_size=200), max_size=5), st.binary(max_size=2000))
def test_what_is_encoded_is_read_again(headers: dict[str, str], payload: bytes) -> None:
    """Any headers and any payload come back, with both checksums right."""
    buffer = EventStreamBuffer()
    buffer.add_data(encode_message(headers, payload))
    [message] = list(buffer)
    assert message.headers == headers
    assert message.payload == payload


def test_messages_follow_one_another() -> None:
    """A stream is nothing but messages one after the other."""
    buffer = EventStreamBuffer()
    buffer.add_data(encode_event("PayloadChunk", b"abc", "application/octet-stream") + encode_event("End", b"", "x"))
    first, second = list(buffer)
    assert first.headers == {
        ":event-type": "PayloadChunk",
        ":content-type": "application/octet-stream",
        ":message-type": "event",
    }
    assert (first.payload, second.headers[":event-type"], second.payload) == (b"abc", "End", b"")
