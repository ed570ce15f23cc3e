"""What each front end answers where there is no answer of the function's to hand on: AWS's words and statuses.

Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html,
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
"""

from enum import Enum
from http import HTTPStatus

from everloop.dev.gateway.answers.answer import Answer


class Refusal(Enum):
    """Why the client gets none of the function's making."""

    FAILED = "failed"
    """The invocation failed, or what it returned is no response."""
    BAD_PRELUDE = "bad-prelude"
    """A streamed response does not begin as it must."""
    TIMED_OUT = "timed-out"
    """The function's timeout, or the front end's own, has passed."""
    TOO_LARGE = "too-large"
    """The request is over what the front end, or Lambda, takes."""
    ELSEWHERE = "elsewhere"
    """The path is not under the stage or the base path."""
    CLOSING = "closing"
    """`everloop dev` is stopping."""


INVOKE_LIMIT = 6_291_456
"""Bytes of an event that Lambda takes."""

BODY_LIMITS = {"alb": 1_048_576, "alb-multi": 1_048_576, "rest": 10_485_760, "http-api": 10_485_760}
"""Bytes of a request's body that a front end takes; the others take what Lambda takes."""

_STATUSES = {
    "function-url": {Refusal.FAILED: 502, Refusal.BAD_PRELUDE: 502, Refusal.TIMED_OUT: 504, Refusal.ELSEWHERE: 404},
    "rest": {Refusal.FAILED: 502, Refusal.BAD_PRELUDE: 500, Refusal.TIMED_OUT: 504, Refusal.ELSEWHERE: 403},
    "http-api": {Refusal.FAILED: 500, Refusal.BAD_PRELUDE: 500, Refusal.TIMED_OUT: 503, Refusal.ELSEWHERE: 404},
    "alb": {Refusal.FAILED: 502, Refusal.BAD_PRELUDE: 502, Refusal.TIMED_OUT: 502, Refusal.ELSEWHERE: 404},
    "lattice": {Refusal.FAILED: 502, Refusal.BAD_PRELUDE: 502, Refusal.TIMED_OUT: 504, Refusal.ELSEWHERE: 404},
}

_REST_WORDS = {
    403: ("Forbidden", "ForbiddenException"),
    413: ("Request Too Long", "RequestTooLargeException"),
    500: ("Internal server error", "InternalServerErrorException"),
    502: ("Internal server error", "InternalServerErrorException"),
    503: ("Service Unavailable", "ServiceUnavailableException"),
    504: ("Endpoint request timed out", "InternalServerErrorException"),
}

_JSON = (b"content-type", b"application/json")


def refuse(source: str, refusal: Refusal) -> Answer:
    """Give the answer of a source's front end."""
    family = _family(source)
    if refusal is Refusal.TOO_LARGE:
        status = 413
    elif refusal is Refusal.CLOSING:
        status = 503
    else:
        status = _STATUSES[family][refusal]
    phrase = HTTPStatus(status).phrase if status != 413 else "Request Entity Too Large"
    match family:
        case "function-url":
            return Answer(status, [_JSON], _url_words(status, phrase).encode())
        case "rest":
            words, kind = _REST_WORDS[status]
            return Answer(status, [_JSON, (b"x-amzn-errortype", kind.encode())], f'{{"message": "{words}"}}'.encode())
        case "http-api":
            return Answer(status, [_JSON], f'{{"message":"{phrase}"}}'.encode())
        case "alb":
            page = (
                f"<html>\r\n<head><title>{status} {phrase}</title></head>\r\n<body>\r\n"
                f"<center><h1>{status} {phrase}</h1></center>\r\n</body>\r\n</html>\r\n"
            )
            return Answer(status, [(b"content-type", b"text/html"), (b"server", b"awselb/2.0")], page.encode())
        case _:
            return Answer(status, [(b"content-type", b"text/plain")], phrase.encode())


def _url_words(status: int, phrase: str) -> str:
    """Give what a Function URL says: a bare phrase for what went wrong inside, JSON for what the client did."""
    if status == 502:
        return "Internal Server Error"
    if status == 413:
        return f'{{"Message":"Request must be smaller than {INVOKE_LIMIT} bytes for the InvokeFunction operation"}}'
    return phrase if status >= 500 else f'{{"Message":"{phrase}"}}'


def body_limit(source: str) -> int:
    """Give the bytes of a body that a source takes."""
    return BODY_LIMITS.get(_family(source), INVOKE_LIMIT)


def _family(source: str) -> str:
    return {"http-api-1.0": "http-api", "alb-multi": "alb", "lattice-1": "lattice"}.get(source, source)
