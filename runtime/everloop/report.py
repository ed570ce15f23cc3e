"""The error report that Lambda shows: type, message and the stack trace of the user's own frames."""

import importlib
import json
import re
import traceback
from types import TracebackType
from typing import Any, Self

from everloop.errors import EverloopError, InitError

_CALLERS = (__file__.removesuffix("report.py"), importlib.__file__, "<frozen importlib.")
"""Where the files of everloop are, and of what imports the user's modules for it."""

MAX_MESSAGE = 256 * 1024
"""Characters of a message that are sent: Lambda takes 1 MiB for the whole report on Managed Instances."""

MAX_CAUSES = 20
"""Exceptions that led to one, directly or not, that are told."""

CUT = "… [cut]"
OUTER_CUT = "  … [outer frames cut]\n"
MAX_SHORT_TYPE = 100
"""Characters of a type's name where room is short."""

ACCEPTED_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")
"""What Lambda accepts in Lambda-Runtime-Function-Error-Type; anything else becomes Runtime.Unknown."""


class ErrorReport:
    """What is told to Lambda of one failure.

    `header_type` is for the header or trailer Lambda-Runtime-Function-Error-Type, `error_type` for the JSON body.
    """

    __slots__ = ("error_type", "header_type", "message", "stack", "xray_cause")

    def __init__(self, error_type: str, message: str, stack: list[str] | None = None) -> None:
        self.error_type = error_type
        self.header_type = error_type if ACCEPTED_TYPE.fullmatch(error_type) else function_type(error_type)
        self.message = message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + CUT
        self.stack = stack or []
        self.xray_cause: bytes | None = None
        """JSON for the header Lambda-Runtime-Function-XRay-Error-Cause."""

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Report `error` by its own `error_type` where it is everloop's and has one, else by the name of its class."""
        error_type = getattr(error, "error_type", None) if isinstance(error, EverloopError) else None
        if not isinstance(error_type, str):
            error_type = type(error).__name__
        stack = frames_of(error)
        if not stack and isinstance(error, InitError) and error.__cause__ is not None:
            stack = frames_of(error.__cause__)  # what stopped the start is the user's, and only its name ours
        return cls(error_type, message_of(error), stack)

    def to_json(self, request_id: str | None = None) -> bytes:
        """Give the body of /error, init/error and, in base64, of Lambda-Runtime-Function-Error-Body."""
        document: dict[str, object] = {
            "errorType": self.error_type,
            "errorMessage": self.message,
            "stackTrace": self.stack,
        }
        if request_id is not None:
            document["requestId"] = request_id
        return json.dumps(document).encode()

    def to_short_json(self, request_id: str, limit: int) -> bytes:
        """Give the same in `limit` bytes: of the message at most half of them, and as many of the innermost frames."""
        message = self.message[:limit]
        while len(json.dumps(message)) > limit // 2:
            message = message[: len(message) * 3 // 4]
        if message != self.message:
            message += CUT
        error_type = self.error_type[:MAX_SHORT_TYPE]
        room = limit - len(ErrorReport(error_type, message, [OUTER_CUT]).to_json(request_id))
        first = len(self.stack)
        while first and (room := room - len(json.dumps(self.stack[first - 1]) + ", ")) >= 0:
            first -= 1
        stack = [OUTER_CUT, *self.stack[first:]] if first else self.stack
        return ErrorReport(error_type, message, stack).to_json(request_id)


def function_type(name: str) -> str:
    """Give `name` in the form that Lambda accepts: `Function.`, a capital, letters only."""
    letters = "".join(c for c in name.rpartition(".")[2] if c.isascii() and c.isalpha())
    if len(letters) < 2:
        return "Function.Unknown"
    return f"Function.{letters[0].upper()}{letters[1:]}"


def message_of(error: BaseException) -> str:
    """Give `str(error)`, also for an exception whose `__str__` fails."""
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - the user's __str__ may raise anything
        return f"<{type(error).__name__} whose __str__ raised {type(failure).__name__}>"


def frames_of(error: BaseException) -> list[str]:
    """Format an error's traceback without ours; with the line that was not understood, as AWS's client gives it."""
    frames = user_frames(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename is not None:
        frames.append(f'  File "{error.filename}" Line {error.lineno}\n    {error.text or ""}')
    return frames


def causes_of(error: BaseException | None) -> list[dict[str, Any]]:
    """Tell what an error was raised from or while handling, and what a group holds; each with causes of its own."""
    return [] if error is None else _causes(error, {id(error)})


def _causes(error: BaseException, seen: set[int]) -> list[dict[str, Any]]:
    causes = [error.__cause__]
    if not error.__suppress_context__:  # `raise ... from` suppresses it
        causes.append(error.__context__)
    if isinstance(error, BaseExceptionGroup):
        causes += error.exceptions
    told = []
    for cause in causes:
        # Chains may be circular, and groups as large as they like.
        if cause is None or id(cause) in seen or len(seen) > MAX_CAUSES:
            continue
        seen.add(id(cause))
        report = ErrorReport.of(cause)
        one: dict[str, Any] = {
            "errorType": report.error_type,
            "errorMessage": report.message,
            "stackTrace": report.stack,
        }
        if further := _causes(cause, seen):
            one["causes"] = further
        told.append(one)
    return told


def user_frames(tb: TracebackType | None) -> list[str]:
    """Format a traceback without the frames of everloop, and of Python's import, that called the user's code."""
    frames = traceback.extract_tb(tb)
    return traceback.format_list(without_ours(frames))


def without_ours(frames: list[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    """Leave out the frames of everloop that called the user's code."""
    first = next((n for n, frame in enumerate(frames) if not frame.filename.startswith(_CALLERS)), len(frames))
    return frames[first:]


def user_traceback(tb: TracebackType | None) -> TracebackType | None:
    """Give a traceback that begins with the user's first frame, for a log that does not bore with ours."""
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(_CALLERS):
        tb = tb.tb_next
    return tb
