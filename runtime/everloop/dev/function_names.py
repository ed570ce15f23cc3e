"""Which function a caller means: a name, a name with a qualifier, a partial or a full ARN."""

import re

from everloop.dev.config import FunctionConfig

NAME = re.compile(
    r"(?:arn:(?P<partition>aws[a-zA-Z-]*):lambda:(?P<region>[a-z0-9-]+):)?"
    r"(?:(?P<account>\d{12}):(?:function:)?)?"
    r"(?P<name>[a-zA-Z0-9_-]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?"
)


class Refused(Exception):
    """A request to the Invoke API is answered with an error of the service. `error_type` is what SDKs raise."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message


def invoked_arn(config: FunctionConfig, name: str, qualifier: str | None) -> str:
    """Give the ARN as it was invoked. Raises `Refused` where that is not of this function."""
    found = NAME.fullmatch(name)
    if found is None:
        raise Refused(400, "InvalidParameterValueException", f"{name!r} is neither a function's name nor its ARN")
    inner = found["qualifier"]
    if inner and qualifier and inner != qualifier:
        message = f"The qualifier {qualifier!r} is not the one in the function's name, {inner!r}"
        raise Refused(400, "InvalidParameterValueException", message)
    qualifier = inner or qualifier
    suffix = f":{qualifier}" if qualifier else ""
    region, account = found["region"] or config.region, found["account"] or config.account
    asked = f"arn:aws:lambda:{region}:{account}:function:{found['name']}"
    if asked != config.arn:
        message = f"Function not found: {asked}{suffix}. This is everloop dev, and its only function is {config.arn}"
        raise Refused(404, "ResourceNotFoundException", message)
    return config.arn + suffix
