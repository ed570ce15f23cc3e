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
        # The values, not the invocation, which holds this object: only the collector could part the two.
        self._values = (
            invocation.request_id,
            invocation.client_context,
            invocation.cognito_identity,
            invocation.deadline,
            invocation.function_arn,
            invocation.tenant_id,
        )

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.pop("_values", None)
        if values is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        request_id, client_context, cognito_identity, deadline, function_arn, tenant_id = values
        LambdaContext.__init__(
            self,
            request_id,
            json_object(client_context),
            json_object(cognito_identity),
            # AWS's class calculates with it, so an invocation without a deadline gets one that has passed.
            int((deadline or 0) * 1000),
            function_arn,
            tenant_id,
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
