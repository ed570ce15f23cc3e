"""Why a function did not start, for who has to mend it."""

import json

from everloop.dev.calls import CallFailed, Failure

ADVICE = {
    "Runtime.ImportModuleError": "Is the handler's module below --root, and are its requirements installed here?",
    "Runtime.HandlerNotFound": "The handler is MODULE:ATTRIBUTE, such as main:app.",
    "Runtime.MalformedHandlerName": "The handler is MODULE:ATTRIBUTE, such as main:app.",
    "Sandbox.Timedout": "Lambda gives initialisation ten seconds; --init-timeout changes that here.",
}


def why_it_did_not_start(handler: str, failure: CallFailed) -> str:
    """Give what the runtime has reported, and what usually helps."""
    message = error_message(failure.payload)
    advice = ADVICE.get(failure.error_type)
    return "\n".join(
        [f"{handler} did not start: {failure.error_type}: {message}", *([f"  {advice}"] if advice is not None else [])]
    )


def why_it_failed(failure: CallFailed) -> str:
    """Give why an invocation failed, in a line."""
    kind = "" if failure.kind is Failure.FUNCTION else f" ({failure.kind})"
    return f"The invocation failed{kind}: {failure.error_type}: {error_message(failure.payload)}"


def error_message(payload: bytes) -> str:
    """Give the message in an error's JSON."""
    try:
        message = json.loads(payload)["errorMessage"]
    except (ValueError, KeyError, TypeError):
        return payload.decode("utf-8", "replace")
    return str(message)
