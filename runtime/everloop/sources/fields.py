"""Fields of events: read as they should be, or named in a `MalformedEvent`."""

import binascii
from collections.abc import Mapping
from typing import Any

from everloop.errors import MalformedEvent
from everloop.exchange import RawHeaders

Shape = Mapping[str, type | tuple[type, ...]]
"""Dotted field → the types that it may have. `NoneType` among them: it may also be absent."""

_JSON_NAMES = {
    str: "a string",
    dict: "an object",
    list: "an array",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}

OPTIONAL_TEXT = (str, type(None))
OPTIONAL_OBJECT = (dict, type(None))
OPTIONAL_LIST = (list, type(None))


def malformed(
    source: str, event: Mapping[str, Any], shape: Shape, error: Exception, *, lists: bool = False
) -> MalformedEvent:
    """Explain why an event could not be read: find the field that is wrong. Only failures pay for the search.

    `lists`: every header and parameter may also have an array of values.
    """
    for path, types in shape.items():
        allowed = types if isinstance(types, tuple) else (types,)
        value: Any = event
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if not isinstance(value, allowed):
            return MalformedEvent(f"The {source} event's {path} {_instead(value, *allowed)}.")
        if isinstance(value, dict | list) and (inner := _wrong_inside(path, value, lists)):
            return MalformedEvent(f"The {source} event's {inner}.")
    return MalformedEvent(f"The {source} event cannot be read: {error}.")


def _instead(found: object, *expected: type) -> str:
    names = " or ".join(dict.fromkeys(_JSON_NAMES.get(one, one.__name__) for one in expected))
    return f"is {'missing' if found is None else _JSON_NAMES.get(type(found), type(found).__name__)}, expected {names}"


def _wrong_inside(path: str, value: dict[str, Any] | list[Any], lists: bool) -> str | None:
    """Find a header, cookie or parameter whose value is no string, or no array of strings where it may have several."""
    if path.startswith("requestContext"):
        return None
    several = path.startswith("multiValue")
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if several and not isinstance(item, list):
            return f"{path}[{key!r}] {_instead(item, list)}"
        for one in item if several or (lists and isinstance(item, list)) else (item,):
            if not isinstance(one, str):
                return f"{path}[{key!r}] {_instead(one, str)}"
    return None


def body_of(event: Mapping[str, Any], key: str = "isBase64Encoded") -> bytes:
    """Give the request's body. Raises `MalformedEvent` for base64 that is none."""
    body = event.get("body")
    if not body:
        if body is None or body == "":
            return b""
        raise TypeError("body is no string")
    encoded = event.get(key)
    if not encoded:
        return text_bytes(body)
    if encoded is not True:
        raise TypeError(f"{key} is a {type(encoded).__name__}")
    try:
        return binascii.a2b_base64(body, strict_mode=True)
    except ValueError as error:
        raise MalformedEvent(
            f"The event says that its body is base64 ({key}), but it is not: {error}. It has {len(body)} characters."
        ) from error


def text_bytes(text: str) -> bytes:
    """Encode text as UTF-8; what JSON can carry and UTF-8 cannot (a lone surrogate) becomes a question mark."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def header_value(value: str) -> bytes:
    """Encode a header's value: latin-1, which is what HTTP is made of, else UTF-8."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return text_bytes(value)


_names: dict[str, bytes] = {}
"""Header names as ASGI wants them. The same few dozen come again and again; the first ones are remembered."""

_REMEMBERED = 512


def header_name(name: str) -> bytes:
    """Encode a header's name: lower case."""
    encoded = _names.get(name)
    if encoded is None:
        encoded = header_value(name.lower())
        if len(_names) < _REMEMBERED:
            _names[name] = encoded
    return encoded


def raw_headers(headers: Mapping[str, str]) -> RawHeaders:
    """Give single-valued headers as ASGI wants them: lower-case names, bytes, in order."""
    try:
        # Without a call for each: nearly always every name is known.
        return [(_names[name], value.encode("latin-1")) for name, value in headers.items()]
    except (KeyError, UnicodeEncodeError):
        return [(header_name(name), header_value(value)) for name, value in headers.items()]


def raw_multi_headers(headers: Mapping[str, list[str]]) -> RawHeaders:
    """Give multi-valued headers as ASGI wants them: one pair for each value."""
    return [(header_name(name), header_value(value)) for name, values in headers.items() for value in items(values)]


def raw_mixed_headers(headers: Mapping[str, str | list[str]]) -> RawHeaders:
    """Give headers as ASGI wants them where each may have one value or an array of them."""
    return [
        (header_name(name), header_value(value))
        for name, values in headers.items()
        for value in ((values,) if isinstance(values, str) else items(values))
    ]


def items(values: Any) -> list[Any]:
    """Give a list as it is. Raises `TypeError` for anything else: iterating over a string would go unnoticed."""
    if not isinstance(values, list):
        raise TypeError(f"a {type(values).__name__} is no array")
    return values
