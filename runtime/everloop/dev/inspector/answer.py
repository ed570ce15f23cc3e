"""What a response says: its head taken apart from its body, the body as text or as hexadecimal."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DELIMITER = b"\0" * 8
"""Ends the prelude of a streamed response.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
"""

PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"

SHOWN_HEX = 4096
"""Bytes of a body that is not text that are shown: nobody reads more."""

SHOWN_TEXT = 256 * 1024
"""Bytes of text that are shown: what a record keeps."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, read. `kind` is `prelude` (a streamed HTTP response), `envelope` (a buffered one) or `payload`."""

    kind: str
    head: Mapping[str, Any] | None
    """The prelude, or the envelope without its body."""
    body: bytes
    offset: int = 0
    """Where in the response the body begins: after the prelude and its delimiter."""

    @property
    def status(self) -> int | None:
        """The HTTP status in the head."""
        status = (self.head or {}).get("statusCode")
        return status if isinstance(status, int) else None


def read(response: bytes, content_type: str | None) -> Answer:
    """Take a response apart; what is not whole yet, or no HTTP response, is a payload."""
    if content_type is not None and content_type.partition(";")[0].strip().lower() == PRELUDE_TYPE:
        prelude, delimiter, body = response.partition(DELIMITER)
        head = _object(prelude)
        if delimiter and head is not None:
            return Answer("prelude", head, body, len(prelude) + len(DELIMITER))
        return Answer("payload", None, response)
    envelope = _object(response)
    if envelope is not None and isinstance(envelope.get("statusCode"), int):
        return Answer("envelope", {key: envelope[key] for key in envelope if key != "body"}, _body_of(envelope))
    return Answer("payload", None, response)


def shown(data: bytes) -> dict[str, Any]:
    """Give bytes as the page shows them: `{"text": …}` where they are UTF-8, else `{"hex": …}`."""
    text = as_text(data)
    if text is not None:
        return {"text": text, "bytes": len(data)}
    return {"hex": _hex(data[:SHOWN_HEX]), "bytes": len(data), "cut": len(data) > SHOWN_HEX}


def as_text(data: bytes) -> str | None:
    """Give UTF-8 as text, also where it is cut within its last character; None for what is no text."""
    data = data[:SHOWN_TEXT]
    if b"\0" in data:
        return None
    for missing in range(4):  # a character has four bytes at most
        try:
            return data[: len(data) - missing].decode()
        except UnicodeDecodeError as error:
            if error.start < len(data) - 4:
                return None
    return None


def _hex(data: bytes) -> str:
    """Give lines of an offset, sixteen bytes and what of them is ASCII."""
    lines = []
    for offset in range(0, len(data), 16):
        row = data[offset : offset + 16]
        characters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{offset:06x}  {row.hex(' '):<47}  {characters}")
    return "\n".join(lines)


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(data, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _body_of(envelope: Mapping[str, Any]) -> bytes:
    body = envelope.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        return json.dumps(body).encode()
    if envelope.get("isBase64Encoded"):
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            pass  # shown as it came: whoever looks sees what is wrong
    return body.encode("utf-8", "surrogatepass")
