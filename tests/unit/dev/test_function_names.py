"""Which function a caller of the Invoke API means."""

from pathlib import Path

import pytest

from everloop.dev.config import FunctionConfig
from everloop.dev.function_names import Refused, invoked_arn

CONFIG = FunctionConfig(handler="", task_root=Path(), name="shop", region="eu-west-1", account="210987654321")
ARN = "arn:aws:lambda:eu-west-1:210987654321:function:shop"


@pytest.mark.parametrize(
    ("name", "qualifier", "arn"),
    [
        ("shop", None, ARN),
        ("shop", "live", f"{ARN}:live"),
        ("shop:$LATEST", None, f"{ARN}:$LATEST"),
        ("shop:7", "7", f"{ARN}:7"),
        ("210987654321:function:shop", None, ARN),
        ("210987654321:shop", None, ARN),
        (ARN, None, ARN),
        (f"{ARN}:live", None, f"{ARN}:live"),
    ],
)
def test_names_of_the_function(name: str, qualifier: str | None, arn: str) -> None:
    """All of AWS's forms are understood."""
    assert invoked_arn(CONFIG, name, qualifier) == arn


@pytest.mark.parametrize(
    ("name", "qualifier", "status"),
    [
        ("other", None, 404),
        ("123456789012:function:shop", None, 404),
        (ARN.replace("eu-west-1", "us-east-1"), None, 404),
        ("shop:one", "two", 400),
        ("sh op", None, 400),
        ("", None, 400),
        ("shop:a:b", None, 400),
    ],
)
def test_names_of_something_else(name: str, qualifier: str | None, status: int) -> None:
    """What is not a name is 400, what is another function's 404."""
    with pytest.raises(Refused) as caught:
        invoked_arn(CONFIG, name, qualifier)
    assert caught.value.status == status
