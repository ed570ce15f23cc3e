"""One sample event by its source's name, as AWS would send it now."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from everloop.dev.events.encoders import ENCODERS
from everloop.dev.events.request import Arrival, ClientRequest, FrontEnd
from everloop.dev.samples.records import dynamodb, kinesis, s3, sns, sqs
from everloop.dev.samples.schedules import eventbridge, schedule
from everloop.dev.samples.sockets import websocket_connect, websocket_disconnect, websocket_message

HTTP_SAMPLES = ("function-url", "http-api", "http-api-1.0", "rest", "alb", "alb-multi", "lattice", "lattice-1")
"""Sources whose samples take a method, a path, a query, headers and a body."""

_WITH_STAGE = ("http-api", "http-api-1.0", "rest")

_WITH_TEXT: dict[str, Callable[[FrontEnd, Arrival, str | None], dict[str, Any]]] = {
    "websocket-message": websocket_message,
    "sqs": sqs,
    "sns": sns,
    "eventbridge": eventbridge,
}

_PLAIN: dict[str, Callable[[FrontEnd, Arrival], dict[str, Any]]] = {
    "websocket-disconnect": websocket_disconnect,
    "s3": s3,
    "dynamodb": dynamodb,
    "schedule": schedule,
}

SAMPLES = (
    *HTTP_SAMPLES,
    "websocket-connect",
    "websocket-message",
    "websocket-disconnect",
    "sqs",
    "sns",
    "s3",
    "dynamodb",
    "kinesis",
    "eventbridge",
    "schedule",
)
"""Every source there is a sample of."""

_IN_PATHS = "/:@!$&'()*+,;=~%"
_IN_QUERIES = _IN_PATHS + "?"


def sample_event(
    source: str,
    *,
    method: str | None = None,
    path: str | None = None,
    query: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    body: str | bytes | None = None,
    stage: str | None = None,
    region: str = "us-east-1",
) -> dict[str, Any]:
    """Give a sample event of one of `SAMPLES`.

    `path` may have a query (`/items?page=1`), to which `query` is added; both are written as in a URL, and characters
    that cannot stand in one are encoded. A body makes the method POST where none is given. `stage` is put before the
    path. A body may be given to `sqs`, `sns`, `kinesis`, `eventbridge` and `websocket-message` as well: their message,
    data or detail; a query and headers to `websocket-connect`.

    Raises `ValueError`, with a message for the user, for an unknown source and for an option that it does not have.
    """
    headers = list(headers)
    given = {
        "--method": method is not None,
        "--path": path is not None,
        "--query": query is not None,
        "--header": bool(headers),
        "--body": body is not None,
        "--stage": stage is not None,
    }
    if source not in SAMPLES:
        raise ValueError(f"There is no sample of {source!r}. There is one of each of these: {', '.join(SAMPLES)}.")
    _refuse(source, [option for option, is_given in given.items() if is_given])
    front, arrival = FrontEnd(region=region, stage=stage), Arrival.now()
    if source in ENCODERS:
        return ENCODERS[source](_request(source, front, method, path, query, headers, body), front, arrival)
    if source == "websocket-connect":
        request = ClientRequest(query=_quoted(query or "", _IN_QUERIES), headers=headers, scheme="https", port=443)
        return websocket_connect(request, front, arrival)
    if source == "kinesis":
        return kinesis(front, arrival, body)
    if source in _WITH_TEXT:
        return _WITH_TEXT[source](front, arrival, _text(source, body))
    return _PLAIN[source](front, arrival)


def _refuse(source: str, given: list[str]) -> None:
    """Refuse options that would do nothing."""
    allowed: set[str] = set()
    if source in HTTP_SAMPLES:
        allowed |= {"--method", "--path", "--query", "--header", "--body"}
        if source in _WITH_STAGE:
            allowed.add("--stage")
    elif source == "websocket-connect":
        allowed |= {"--query", "--header"}
    elif source in _WITH_TEXT or source == "kinesis":
        allowed.add("--body")
    if wrong := [option for option in given if option not in allowed]:
        has = f"it takes {', '.join(sorted(allowed))}" if allowed else "it takes no options"
        raise ValueError(f"A sample of {source!r} has no use for {', '.join(wrong)}: {has}.")


def _text(source: str, body: str | bytes | None) -> str | None:
    """Give a body that AWS carries as text alone. Raises `ValueError`."""
    if not isinstance(body, bytes):
        return body
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"The body of a sample of {source!r} is text, and byte {error.start} of this one is not UTF-8: encode it, "
            "as whoever sends it must, in base64 for example."
        ) from error


def _request(
    source: str,
    front: FrontEnd,
    method: str | None,
    path: str | None,
    query: str | None,
    headers: list[tuple[str, str]],
    body: str | bytes | None,
) -> ClientRequest:
    target, _, written = (path or "/").partition("?")
    target = _quoted(target if target.startswith("/") else f"/{target}", _IN_PATHS)
    if front.stage is not None:
        target = f"/{front.stage}{target}"
    content = body.encode() if isinstance(body, str) else body or b""
    named = {name.lower() for name, _ in headers}
    usual = [("host", _host(source, front)), ("user-agent", "everloop"), ("accept", "*/*")]
    if content:
        usual += [("content-type", _type_of(content)), ("content-length", str(len(content)))]
    return ClientRequest(
        method=(method or ("POST" if content else "GET")).upper(),
        path=target,
        query=_quoted("&".join(part for part in (written, query or "") if part), _IN_QUERIES),
        headers=[pair for pair in usual if pair[0] not in named] + headers,
        body=content,
        ip="192.0.2.44",
        scheme="https",
        port=443,
    )


def _host(source: str, front: FrontEnd) -> str:
    if source == "function-url":
        return front.url_domain
    if source in _WITH_STAGE:
        return front.api_domain
    return f"lb-1.{front.region}.elb.amazonaws.com" if source.startswith("alb") else "svc-1.example.com"


def _type_of(content: bytes) -> str:
    """Guess what a body is, as the user would have said: JSON where it looks like it, else text, else bytes."""
    if content.lstrip()[:1] in (b"{", b"["):
        return "application/json"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "text/plain; charset=utf-8"


def _quoted(text: str, allowed: str) -> str:
    return quote(text, safe=allowed, errors="replace")
