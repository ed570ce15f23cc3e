"""Objects that could be handlers of more than one kind."""

from typing import Any


def wrapper(*args: Any, **kwargs: Any) -> Any:
    return args[0]


def middleware(*args: Any, **kwargs: Any) -> Any:
    environ, start_response = args
    start_response("200 OK", [])
    return [environ["PATH_INFO"].encode()]


class Application:
    def __init__(self, event: Any, context: Any) -> None: ...


def half(environ: Any, context: Any) -> Any: ...


def three(a: Any, b: Any, c: Any) -> Any: ...
