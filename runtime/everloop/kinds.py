"""What kind of object the handler is: told by how it wants to be called, never by what it is named or where it is from.

Two positional parameters are a plain handler's or a WSGI application's, three an ASGI application's. Where the
parameters do not settle it, nothing is guessed: the error names EVERLOOP_INTERFACE.
"""

import functools
import inspect
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple, cast

from everloop.errors import HandlerError
from everloop.loader import describe
from everloop.settings import Interface


class Kind(Enum):
    """Every kind of handler; the value is its name in the log."""

    ASGI = "an ASGI application"
    WSGI = "a WSGI application"
    SYNC = "a synchronous handler"
    ASYNC = "an async handler"
    GENERATOR = "a generator handler"
    ASYNC_GENERATOR = "an async generator handler"

    @property
    def blocks(self) -> bool:
        """Whether calling it keeps its thread busy until it is done."""
        return self in (Kind.WSGI, Kind.SYNC, Kind.GENERATOR)


_EXPECTED = (
    "expected an ASGI application `async (scope, receive, send)`, a WSGI application `(environ, start_response)` or a "
    "handler `(event, context)`, which may be async or a generator"
)

_WSGI_FIRST = ("environ", "env", "environment", "wsgi_environ", "wsgi_env")
_WSGI_SECOND = ("start_response", "start_resp")
_ASGI = ("scope", "receive", "send")


class Parameters(NamedTuple):
    """What a callable can be called with: the names of its positional parameters, and how many it needs and takes."""

    names: tuple[str, ...]
    needed: int
    open_ended: bool
    keywords: tuple[str, ...] = ()
    """Those that have to be given by name, which nobody would do."""

    def take(self, count: int) -> bool:
        """Tell whether it can be called with `count` positional arguments."""
        return self.needed <= count and (self.open_ended or count <= len(self.names))


def detect(name: str, found: Any, interface: Interface) -> Kind:
    """Tell the kind of the object that the handler string `name` led to. Raises `HandlerError`, which says what to do.

    `interface` settles what kind of call it is; whether it is async or a generator is always seen from the object.
    """
    if not callable(found):
        raise HandlerError(
            "Runtime.HandlerNotFound", f"The handler {name!r} is {describe(found)}, which is not callable: {_EXPECTED}."
        )
    if interface is Interface.ASGI:
        return Kind.ASGI
    if interface is Interface.WSGI:
        return Kind.WSGI
    if interface is Interface.HANDLER:
        return handler_kind(found)
    parameters = parameters_of(found)
    if parameters is None:
        raise _ambiguous(name, found, "has no signature that could be read")
    if parameters.keywords:
        raise HandlerError(
            "Runtime.HandlerNotFound",
            f"The handler {name!r} is {describe(found)}, which needs {', '.join(parameters.keywords)} by name: nobody "
            f"gives it that; {_EXPECTED}. Give it a default, or bind it with functools.partial.",
        )
    flavour = handler_kind(found)
    names = parameters.names
    # The parameters are those of what is wrapped; so here, where nobody runs anything, is whether it is async.
    if names[:3] == _ASGI or (parameters.needed == 3 and handler_kind(inspect.unwrap(found)) is Kind.ASYNC):
        return Kind.ASGI
    if parameters.open_ended and not names:
        raise _ambiguous(name, found, "takes any arguments (*args)")
    if not parameters.take(2):
        if parameters.take(3):
            raise _ambiguous(name, found, f"takes ({', '.join(names)}) and is not async")
        factory = f" If it is a factory, write {name}()." if parameters.needed == 0 else ""
        raise HandlerError(
            "Runtime.HandlerNotFound",
            f"The handler {name!r} is {describe(found)}, which takes ({', '.join(names)}): {_EXPECTED}.{factory} "
            "EVERLOOP_INTERFACE (asgi, wsgi, handler) settles what it is.",
        )
    if inspect.isclass(found) and names[1:2] != ("start_response",):
        raise _ambiguous(name, found, "is a class: an instance of it is probably meant")
    if flavour in (Kind.ASYNC, Kind.ASYNC_GENERATOR):
        return flavour
    first, second = names[0] in _WSGI_FIRST, names[1:2] != () and names[1] in _WSGI_SECOND
    if second:
        return Kind.WSGI
    if first:
        raise _ambiguous(name, found, f"takes ({', '.join(names)}), which is half of a WSGI application's")
    return flavour


def handler_kind(found: Any) -> Kind:
    """Tell which kind of plain handler an object is, by what calling it gives.

    A proxy (wrapt's decorators) passes for the function in it, which it may run by itself: called as a plain function
    it is right in any case, for a coroutine or generator that it returns is seen when it comes.
    """
    call = called_by(found)
    if is_proxy(call):
        return Kind.SYNC
    if inspect.iscoroutinefunction(call):
        return Kind.ASYNC
    if inspect.isasyncgenfunction(call):
        return Kind.ASYNC_GENERATOR
    if inspect.isgeneratorfunction(call):
        return Kind.GENERATOR
    return Kind.SYNC


def parameters_of(found: Any) -> Parameters | None:
    """Give the positional parameters of a callable, None where Python does not know them."""
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        # Before Python 3.13 instances whose __call__ is one of their __slots__ have none: Sentry's middleware, for one.
        try:
            signature = inspect.signature(called_by(found))
        except (TypeError, ValueError, AttributeError):
            return None
    parameters = list(signature.parameters.values())
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return Parameters(
        names=tuple(one.name for one in positional),
        needed=sum(one.default is one.empty for one in positional),
        open_ended=any(one.kind is one.VAR_POSITIONAL for one in parameters),
        keywords=tuple(one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty),
    )


def called_by(found: Any) -> Callable[..., Any]:
    """Give the function that calling `found` runs: itself, a partial's, or that of an instance."""
    found = _of_partial(found)
    if not (inspect.isroutine(found) or inspect.isclass(found)):
        found = _of_partial(found.__call__)
    return cast("Callable[..., Any]", found)


def is_proxy(found: Any) -> bool:
    """Tell whether an object passes for one of another type."""
    return type(found) is not found.__class__


def _of_partial(found: Any) -> Any:
    # Nothing else that has a `func`: it may do with it what it likes.
    while issubclass(type(found), functools.partial):
        found = found.func
    return found


def _ambiguous(name: str, found: object, why: str) -> HandlerError:
    return HandlerError(
        "Runtime.HandlerNotFound",
        f"The handler {name!r} is {describe(found)}, and what kind of handler that is cannot be told: it {why}; "
        f"{_EXPECTED}. Set EVERLOOP_INTERFACE to asgi, wsgi or handler.",
    )
