"""AWS's event-stream encoding: messages with typed headers, a payload, and two checksums.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

import struct
from collections.abc import Mapping
from zlib import crc32

CONTENT_TYPE = "application/vnd.amazon.eventstream"

_STRING = 7
"""The type of a header whose value is text."""


def encode_message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Encode one message: lengths, their CRC, headers, payload, and the CRC of all that."""
    fields = b"".join(
        struct.pack(f"!B{len(name)}sBH", len(name), name.encode("ascii"), _STRING, len(value)) + value
        for name, value in ((name, text.encode()) for name, text in headers.items())
    )
    prelude = struct.pack("!II", 12 + len(fields) + len(payload) + 4, len(fields))
    head = b"".join((prelude, struct.pack("!I", crc32(prelude)), fields))
    return b"".join((head, payload, struct.pack("!I", crc32(payload, crc32(head)))))


def encode_event(event_type: str, payload: bytes, content_type: str) -> bytes:
    """Encode an event of a service's response."""
    return encode_message({":event-type": event_type, ":content-type": content_type, ":message-type": "event"}, payload)
