"""The Lambda context object: AWS's own class, filled in when somebody first looks at it.

Making one costs 4 µs and most web applications never look, so `aws.context` in a scope is this.
"""

import json
from typing import Any

from awslambdaric.lambda_context import CognitoIdentity, LambdaContext

from everloop.errors import ContextError
from everloop.headers import Headers


class LazyLambdaContext(LambdaContext):  # type: ignore[misc]  # awslambdaric has no types
    """A `LambdaContext` whose attributes come into being at the first look."""

    def __init__(self, deadline: float | None, headers: Headers) -> None:
        """Keep what the attributes are made of: the deadline in seconds, the headers of the invocation."""
        self._sources = (deadline, headers)

    def __getattr__(self, name: str) -> Any:
        sources = self.__dict__.pop("_sources", None)
        if sources is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        deadline, headers = sources
        LambdaContext.__init__(
            self,
            text(headers.get(b"Lambda-Runtime-Aws-Request-Id")),
            json_object(headers.get(b"Lambda-Runtime-Client-Context")),
            json_object(headers.get(b"Lambda-Runtime-Cognito-Identity")),
            # AWS's class calculates with it, so an invocation without a deadline gets one that has passed.
            int((deadline or 0) * 1000),
            text(headers.get(b"Lambda-Runtime-Invoked-Function-Arn")),
            text(headers.get(b"Lambda-Runtime-Aws-Tenant-Id")),
        )
        return getattr(self, name)

    def __repr__(self) -> str:
        self.aws_request_id  # noqa: B018 - fills the object in
        return str(super().__repr__()).replace(type(self).__name__, LambdaContext.__name__, 1)


def new_lambda_context(request_id: str, deadline: float | None, headers: Headers) -> LambdaContext:
    """Make the object that AWS's client makes, `deadline` in seconds. Raises `ContextError` for headers that lie.

    AWS's class asks the environment six times for what never changes. So the first object is kept as a pattern, and
    what most invocations lack is looked at only where it came.
    """
    client_context = headers.get(b"Lambda-Runtime-Client-Context")
    cognito = headers.get(b"Lambda-Runtime-Cognito-Identity")
    milliseconds = int((deadline or 0) * 1000)
    arn = text(headers.get(b"Lambda-Runtime-Invoked-Function-Arn"))
    tenant_id = text(headers.get(b"Lambda-Runtime-Aws-Tenant-Id"))
    if client_context or cognito or not _pattern:
        context = LambdaContext(
            request_id,
            _strict_json(client_context, "Client Context"),
            _strict_json(cognito, "Cognito Identity"),
            milliseconds,
            arn,
            tenant_id,
        )
        if not (client_context or cognito):
            _pattern.update(vars(context))
        return context
    identity = CognitoIdentity()
    identity.cognito_identity_id = identity.cognito_identity_pool_id = None
    context = LambdaContext.__new__(LambdaContext)
    context.__dict__ = attributes = _pattern.copy()
    attributes["aws_request_id"] = request_id
    attributes["invoked_function_arn"] = arn
    attributes["tenant_id"] = tenant_id
    attributes["_w3c_fields"] = {}
    attributes["identity"] = identity
    attributes["_epoch_deadline_time_in_ms"] = milliseconds
    return context


_pattern: dict[str, Any] = {}


def _strict_json(value: bytes | None, name: str) -> Any:
    if not value:
        return None
    try:
        return json.loads(value)
    except ValueError as error:
        raise ContextError(f"Unable to parse {name} JSON: {error}") from error


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
