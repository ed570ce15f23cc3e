"""Pieces of events that several front ends make alike: forwarded headers, queries, bodies."""

import re
from base64 import b64encode
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

from everloop.dev.events.request import Arrival, ClientRequest, Headers

_TEXT = re.compile(r"\s*(?:text/|application/(?:json|javascript|xml|[^;]+\+(?:json|xml))\s*(?:;|$))", re.I).match
_FORM = re.compile(r"\s*application/x-www-form-urlencoded\s*(?:;|$)", re.I).match
_BALANCER_TEXT = re.compile(r"\s*(?:text/|application/(?:json|javascript|xml)\s*(?:;|$))", re.I).match

_REPLACED = frozenset(("x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"))


def forwarded(request: ClientRequest, arrival: Arrival) -> Headers:
    """Give the headers with what every front end adds: who called, how, and the trace.

    The client's own `x-forwarded-for` is kept before its address; its port and protocol are replaced.
    """
    headers = [(name, value) for name, value in request.headers if name.lower() not in _REPLACED]
    before = request.header("x-forwarded-for")
    return [
        *headers,
        ("x-amzn-trace-id", trace_header(request, arrival)),
        ("x-forwarded-for", f"{before}, {request.ip}" if before else request.ip),
        ("x-forwarded-port", str(request.port)),
        ("x-forwarded-proto", request.scheme),
    ]


def trace_header(request: ClientRequest, arrival: Arrival) -> str:
    """Give `x-amzn-trace-id`: the client's, else a new root."""
    return request.header("x-amzn-trace-id") or f"Root={arrival.root}"


@lru_cache(maxsize=1024)
def titled(name: str) -> str:
    """Spell a header's name as HTTP/1.1 clients mostly do: `X-Api-Key`. ASGI servers pass lower case on."""
    return "-".join(part.capitalize() for part in name.split("-")) if name.islower() else name


def joined(headers: Headers) -> dict[str, str]:
    """Give lower-case headers, repeated ones joined by a comma."""
    found: dict[str, str] = {}
    for name, value in headers:
        name = name.lower()
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def listed(headers: Headers) -> dict[str, list[str]]:
    """Give every header's values; names that differ by case alone are one header, spelt as the first of them."""
    found: dict[str, list[str]] = {}
    spelt: dict[str, str] = {}
    for name, value in headers:
        found.setdefault(spelt.setdefault(name.lower(), name), []).append(value)
    return found


def last(lists: dict[str, list[str]]) -> dict[str, str]:
    """Give the last value of each."""
    return {name: values[-1] for name, values in lists.items()}


def raw_parameters(query: str) -> dict[str, list[str]]:
    """Split a query into lists, nothing decoded."""
    found: dict[str, list[str]] = {}
    for name, value in _pairs(query):
        found.setdefault(name, []).append(value)
    return found


def parameters(query: str) -> dict[str, list[str]]:
    """Split a query into lists and decode them, a plus as a space. One name may be written in several ways."""
    found: dict[str, list[str]] = {}
    for name, value in _pairs(query):
        found.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return found


def _pairs(query: str) -> list[tuple[str, str]]:
    split = [pair.partition("=") for pair in query.split("&") if pair]
    return [(name, value) for name, _, value in split]


def decoded_path(path: str) -> str:
    """Decode a path as HTTP APIs do: once, and what follows a decoded question mark is lost."""
    return (unquote(path) if "%" in path else path).partition("?")[0]


def api_body(request: ClientRequest, *, forms_are_text: bool = False) -> tuple[str | None, bool]:
    """Give `(body, isBase64Encoded)` as API Gateway and Function URLs do: text of a known type, else base64.

    `forms_are_text`: REST APIs encode the types that their owner lists as binary, and nobody lists forms.
    """
    if not request.body:
        return None, False
    kind = request.header("content-type") or ""
    is_text = _TEXT(kind) or (forms_are_text and (not kind or _FORM(kind)))
    return _encoded(request, bool(is_text))


def balancer_body(request: ClientRequest, *, untyped_is_text: bool = False) -> tuple[str, bool]:
    """Give `(body, isBase64Encoded)` as load balancers do: as it is for four kinds of text, else base64.

    `untyped_is_text`: Lattice's own example has a body without a type, as it is.
    """
    if not request.body:
        return "", False
    kind = request.header("content-type")
    return _encoded(request, untyped_is_text if kind is None else bool(_BALANCER_TEXT(kind)))


def _encoded(request: ClientRequest, is_text: bool) -> tuple[str, bool]:
    if is_text and not request.header("content-encoding"):
        try:
            return request.body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass
    return b64encode(request.body).decode("ascii"), True
