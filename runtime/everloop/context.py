"""The Lambda context object: AWS's own class, filled in when somebody first looks at it.

Making one costs 4 µs and most web applications never look, so `aws.context` in a scope is this.
"""

import json
from typing import Any

from awslambdaric.lambda_context import LambdaContext

from everloop.invocation import Invocation


class LazyLambdaContext(LambdaContext):  # type: ignore[misc]  # awslambdaric has no types
    """A `LambdaContext` whose attributes come into being at the first look."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation

    def __getattr__(self, name: str) -> Any:
        invocation = self.__dict__.get("_invocation")
        if invocation is None or "aws_request_id" in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        LambdaContext.__init__(
            self,
            invocation.request_id,
            json_object(invocation.client_context),
            json_object(invocation.cognito_identity),
            # AWS's class calculates with it, so an invocation without a deadline gets one that has passed.
            int((invocation.deadline or 0) * 1000),
            invocation.function_arn,
            invocation.tenant_id,
        )
        return getattr(self, name)

    def __repr__(self) -> str:
        self.aws_request_id  # noqa: B018 - fills the object in
        return super().__repr__().replace(type(self).__name__, LambdaContext.__name__, 1)


def json_object(text: str | None) -> dict[str, Any] | None:
    """Parse a header that holds a JSON object; anything else counts as absent."""
    if not text:
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def context_of(invocation: Invocation) -> LambdaContext:
    """Make the context object of an invocation."""
    return LazyLambdaContext(invocation)
