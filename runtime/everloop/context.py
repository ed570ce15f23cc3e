"""The Lambda context object: AWS's own class, filled in when somebody first looks at it.

Making one costs 4 µs and most web applications never look, so `aws.context` in a scope is this.
"""

import json
from typing import Any

from awslambdaric.lambda_context import LambdaContext


class LazyLambdaContext(LambdaContext):  # type: ignore[misc]  # awslambdaric has no types
    """A `LambdaContext` whose attributes come into being at the first look."""

    def __init__(self, request_id: str, deadline: float | None, headers: dict[bytes, bytes]) -> None:
        """Keep what the attributes are made of: the deadline in seconds, the headers of the invocation."""
        self._sources = (request_id, deadline, headers)

    def __getattr__(self, name: str) -> Any:
        sources = self.__dict__.pop("_sources", None)
        if sources is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        request_id, deadline, headers = sources
        LambdaContext.__init__(
            self,
            request_id,
            json_object(headers.get(b"lambda-runtime-client-context")),
            json_object(headers.get(b"lambda-runtime-cognito-identity")),
            # AWS's class calculates with it, so an invocation without a deadline gets one that has passed.
            int((deadline or 0) * 1000),
            text(headers.get(b"lambda-runtime-invoked-function-arn")),
            text(headers.get(b"lambda-runtime-aws-tenant-id")),
        )
        return getattr(self, name)

    def __repr__(self) -> str:
        self.aws_request_id  # noqa: B018 - fills the object in
        return str(super().__repr__()).replace(type(self).__name__, LambdaContext.__name__, 1)


def text(value: bytes | None) -> str | None:
    """Give a header as text; an empty one counts as absent."""
    return value.decode("latin-1") if value else None


def json_object(value: bytes | None) -> dict[str, Any] | None:
    """Parse a header that holds a JSON object; anything else counts as absent."""
    if not value:
        return None
    try:
        parsed = json.loads(value)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None
