"""What a plain handler returned or raised, as AWS's own client sends it."""

import decimal
import os
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from awslambdaric.lambda_runtime_exception import FaultException
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller
from simplejson.encoder import (  # type: ignore[import-untyped]
    c_make_encoder,
    encode_basestring,
    encode_basestring_ascii,
)

from everloop.errors import InvocationError, MarshalError
from everloop.report import ErrorReport, message_of, without_ours
from everloop.wire.runtime_api import JSON

MAX_XRAY_CAUSE = 64 * 1024
"""Bytes of the X-Ray cause that Lambda keeps; a longer one would be cut in the middle of its JSON."""

_marshaller = LambdaMarshaller()


def _prepare(encoder: Any) -> Callable[[Any, int], Sequence[str]] | None:
    """Give what AWS's encoder makes anew for every result, which costs as much as encoding a small one.

    None where simplejson was installed without its part in C, or its maker takes other arguments.
    """
    if c_make_encoder is None:
        return None
    try:
        prepared: Callable[[Any, int], Sequence[str]] = c_make_encoder(
            None,  # what is circular ends in a RecursionError, and then AWS's own encoder says what is wrong
            encoder.default,
            encode_basestring_ascii if encoder.ensure_ascii else encode_basestring,
            encoder.indent,
            encoder.key_separator,
            encoder.item_separator,
            encoder.sort_keys,
            encoder.skipkeys,
            encoder.allow_nan,
            _key_memo,
            encoder.use_decimal,
            encoder.namedtuple_as_object,
            encoder.tuple_as_array,
            encoder.int_as_string_bitcount,
            encoder.item_sort_key,
            encoder.encoding,
            encoder.for_json,
            encoder.ignore_nan,
            decimal.Decimal,
            encoder.iterable_as_array,
        )
    except (AttributeError, TypeError):
        return None
    return prepared


_key_memo: dict[str, str] = {}
"""Keys that were encoded in the result at hand."""

_encode = _prepare(_marshaller.jsonEncoder)


def marshal(result: Any) -> tuple[bytes, bytes]:
    """Give a result's payload and content type, byte for byte as AWS's client does. Raises `MarshalError`."""
    if type(result) is dict and _encode is not None:
        try:
            return "".join(_encode(result, 0)).encode(), JSON
        except Exception:  # noqa: BLE001, S110 - said again, and in AWS's words, below
            pass
        finally:
            _key_memo.clear()
    try:
        payload, content_type = _marshaller.marshal_response(result)
        return payload if isinstance(payload, bytes) else payload.encode(), content_type.encode()
    except FaultException as error:
        raise MarshalError(error.msg) from error.__context__
    except UnicodeEncodeError as error:  # AWS's client dies of it
        raise MarshalError(f"Unable to marshal response: {error}") from error


class HandlerFailure(ErrorReport):
    """The report of a failed plain handler: AWS's fields, in its order and spelling, and the cause for X-Ray."""

    __slots__ = ()

    @classmethod
    def of_handler(cls, error: BaseException) -> "HandlerFailure":
        """Report what a handler raised, or an `InvocationError` that kept it from running."""
        message = message_of(error)
        if isinstance(error, InvocationError):
            report = cls(error.error_type, message)
            report.xray_cause = xray_cause("LambdaValidationError", report.message, [])
            return report
        frames = without_ours(list(traceback.extract_tb(error.__traceback__)))
        # Without columns, as AWS's client does it: no line of carets under the code.
        plain = [(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in frames]
        report = cls(type(error).__name__, message, traceback.format_list(plain))
        report.xray_cause = xray_cause(report.error_type, report.message, plain)
        return report

    def to_json(self, request_id: str | None = None) -> bytes:
        """Give the body of /error."""
        document = {
            "errorMessage": self.message,
            "errorType": self.error_type,
            "requestId": request_id or "",
            "stackTrace": self.stack,
        }
        text: str = _marshaller.jsonEncoder.encode(document)
        return text.encode("utf-8", "replace")


def working_directory() -> str:
    """Give the working directory, nothing where it has been deleted: the handler's error is what is to be told."""
    try:
        return os.getcwd()  # noqa: PTH109 - pathlib costs a cold start 3 ms
    except OSError:
        return ""


def xray_cause(kind: str, message: str, frames: list[tuple[str, int, str, str | None]]) -> bytes | None:
    """Give the JSON that X-Ray shows, in ASCII because it goes into a header; None where it is too long for one."""
    import json

    cause = json.dumps(
        {
            "working_directory": working_directory(),
            "exceptions": [
                {
                    "message": message,
                    "type": kind,
                    "stack": [{"label": name, "path": file, "line": line} for file, line, name, _ in frames],
                }
            ],
            "paths": list(dict.fromkeys(file for file, _, _, _ in frames)),
        }
    ).encode("ascii")
    return cause if len(cause) <= MAX_XRAY_CAUSE else None
