"""Plain Lambda handlers, which AWS's own client runs too."""

from typing import Any


def echo(event: Any, context: Any) -> dict[str, Any]:
    return {"event": event, "request_id": context.aws_request_id}


def fail(event: Any, context: Any) -> None:
    raise ValueError("broken on purpose")
