"""What kind of object a handler is: exact, or an error that says what to set."""

import asyncio
import functools
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import wrapt

from everloop.errors import HandlerError
from everloop.kinds import Kind, detect
from everloop.settings import Interface
from support.process import APPS, ROOT


def handler(event: Any, context: Any) -> None: ...
async def async_handler(event: Any, context: Any) -> None: ...
def optional(event: Any, context: Any = None) -> None: ...
def more(event: Any, context: Any, retries: int = 3) -> None: ...
def rest(event: Any, *others: Any) -> None: ...
def generator(event: Any, context: Any) -> Any:
    yield


async def async_generator(event: Any, context: Any) -> Any:
    yield


async def asgi(scope: Any, receive: Any, send: Any) -> None: ...
async def short_asgi(s: Any, r: Any, t: Any) -> None: ...
def asgi_wrapper(scope: Any, receive: Any, send: Any) -> Any: ...
def wsgi(environ: Any, start_response: Any) -> Any: ...
def wsgi_generator(env: Any, start_response: Any) -> Any:
    yield


def half(environ: Any, context: Any) -> None: ...
def one(event: Any) -> None: ...
def none() -> None: ...
def three(a: Any, b: Any, c: Any) -> None: ...
def anything(*args: Any, **kwargs: Any) -> None: ...
async def async_anything(*args: Any, **kwargs: Any) -> None: ...


class Asgi:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


class Wsgi:
    def __call__(self, environ: Any, start_response: Any) -> Any: ...


class Mangumlike:
    def __call__(self, event: Any, context: Any) -> Any: ...


class WsgiClass:
    def __init__(self, environ: Any, start_response: Any) -> None: ...


class Pair:
    def __init__(self, event: Any, context: Any) -> None: ...

    def method(self, event: Any, context: Any) -> None: ...


class Coroutine:
    async def __call__(self, event: Any, context: Any) -> None: ...


class Generating:
    def __call__(self, event: Any, context: Any) -> Any:
        yield


class AsyncGenerating:
    async def __call__(self, event: Any, context: Any) -> Any:
        yield


class Namespace:
    @staticmethod
    async def static(event: Any, context: Any) -> None: ...

    @classmethod
    def of_class(cls, event: Any, context: Any) -> None: ...


class Wrapper:
    """A decorator that is a class."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)


def bare_decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:  # without functools.wraps(): nobody can see through it
        return function(*args, **kwargs)

    return call


def keywords(event: Any, context: Any, **more: Any) -> None: ...
def optional_keyword(event: Any, context: Any, *, retries: int = 3) -> None: ...
def needed_keyword(event: Any, context: Any, *, table: Any) -> None: ...


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


class Running:
    """A decorator that is a class, and runs what it decorates."""

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func

    def __call__(self, event: Any, context: Any) -> Any:
        return asyncio.run(self.func(event, context))


class AnyRunning(Running):
    def __init__(self, func: Callable[..., Any]) -> None:
        functools.update_wrapper(self, func)
        super().__init__(func)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return asyncio.run(self.func(*args, **kwargs))


@wrapt.decorator
def running(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return asyncio.run(wrapped(*args, **kwargs))


class Decorated:
    @running
    async def __call__(self, event: Any, context: Any) -> None: ...

    @running
    async def method(self, event: Any, context: Any) -> None: ...


class Bound:
    async def run(self, table: Any, event: Any, context: Any) -> None: ...

    __call__ = functools.partialmethod(run, 1)


CLEAR = [
    (handler, Kind.SYNC),
    (optional, Kind.SYNC),
    (more, Kind.SYNC),
    (rest, Kind.SYNC),
    (lambda event, context: None, Kind.SYNC),
    (async_handler, Kind.ASYNC),
    (generator, Kind.GENERATOR),
    (async_generator, Kind.ASYNC_GENERATOR),
    (asgi, Kind.ASGI),
    (short_asgi, Kind.ASGI),
    (asgi_wrapper, Kind.ASGI),
    (Asgi(), Kind.ASGI),
    (decorated(asgi), Kind.ASGI),
    (functools.partial(asgi), Kind.ASGI),
    (wsgi, Kind.WSGI),
    (wsgi_generator, Kind.WSGI),
    (Wsgi(), Kind.WSGI),
    (WsgiClass, Kind.WSGI),
    (Mangumlike(), Kind.SYNC),
    (Pair(1, 2).method, Kind.SYNC),
    (functools.partial(three, 1), Kind.SYNC),
    (decorated(handler), Kind.SYNC),
    (decorated(async_handler), Kind.SYNC),
    (Coroutine(), Kind.ASYNC),
    (Generating(), Kind.GENERATOR),
    (AsyncGenerating(), Kind.ASYNC_GENERATOR),
    (Namespace.static, Kind.ASYNC),
    (Namespace.of_class, Kind.SYNC),
    (Wrapper(handler), Kind.SYNC),
    (Wrapper(asgi), Kind.ASGI),
    (functools.lru_cache(handler), Kind.SYNC),
    (functools.partial(async_handler), Kind.ASYNC),
    (functools.partial(Coroutine()), Kind.ASYNC),
    (functools.partial(functools.partial(generator)), Kind.GENERATOR),
    (functools.partial(needed_keyword, table=1), Kind.SYNC),
    (Running(async_handler), Kind.SYNC),
    (AnyRunning(async_handler), Kind.SYNC),
    (functools.partial(Running(async_handler)), Kind.SYNC),
    (running(async_handler), Kind.SYNC),
    (running(async_generator), Kind.SYNC),
    (functools.partial(running(async_handler)), Kind.SYNC),
    (Decorated(), Kind.SYNC),
    (Decorated().method, Kind.SYNC),
    (Bound(), Kind.ASYNC),
    (running(wsgi), Kind.WSGI),
    (running(asgi), Kind.ASGI),
    (running(short_asgi), Kind.ASGI),
    (running(Asgi()), Kind.ASGI),
    (AnyRunning(short_asgi), Kind.ASGI),
    (decorated(short_asgi), Kind.ASGI),
    (keywords, Kind.SYNC),
    (optional_keyword, Kind.SYNC),
]


@pytest.mark.parametrize(("found", "kind"), CLEAR)
def test_clear_cases(found: Any, kind: Kind) -> None:
    """Told by the parameters. A decorated async function is called as a plain one; what it returns is awaited."""
    assert detect("main.found", found, Interface.AUTO) is kind


UNCLEAR = [half, one, none, three, anything, async_anything, Pair, dict, int, 7, "text", None, print, max]


@pytest.mark.parametrize("found", [*UNCLEAR, bare_decorated(asgi), functools.partial(handler, context=1)])
def test_unclear_cases_name_the_setting(found: Any) -> None:
    """Nothing is guessed: the error says what was found and what to do."""
    with pytest.raises(HandlerError) as caught:
        detect("main.found", found, Interface.AUTO)

    assert caught.value.error_type == "Runtime.HandlerNotFound"
    assert "EVERLOOP_INTERFACE" in str(caught.value) or not callable(found)
    assert "(event, context)" in str(caught.value)


@pytest.mark.parametrize(
    ("interface", "found", "kind"),
    [
        (Interface.ASGI, anything, Kind.ASGI),
        (Interface.WSGI, anything, Kind.WSGI),
        (Interface.HANDLER, anything, Kind.SYNC),
        (Interface.HANDLER, async_anything, Kind.ASYNC),
        (Interface.HANDLER, wsgi, Kind.SYNC),
        (Interface.HANDLER, async_generator, Kind.ASYNC_GENERATOR),
    ],
)
def test_the_setting_settles_it(interface: Interface, found: Any, kind: Kind) -> None:
    """EVERLOOP_INTERFACE says how it is called; async or generator is always seen."""
    assert detect("main.found", found, interface) is kind


def test_what_nobody_would_give_by_name_is_named() -> None:
    """Called with two arguments it would fail at every invocation."""
    with pytest.raises(HandlerError, match=r"needs table by name.*functools\.partial"):
        detect("main.found", needed_keyword, Interface.AUTO)


FRAMEWORKS = {
    "flask": Kind.WSGI,
    "bottle": Kind.WSGI,
    "falcon": Kind.WSGI,
    "django_wsgi": Kind.WSGI,
    "django_asgi": Kind.ASGI,
    "starlette": Kind.ASGI,
    "fastapi": Kind.ASGI,
    "litestar": Kind.ASGI,
    "falcon_asgi": Kind.ASGI,
    "mangum": Kind.SYNC,
    "apig_wsgi": Kind.SYNC,
    "powertools": Kind.SYNC,
}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_real_applications(name: str) -> None:
    """What frameworks make, and the adapters that people come from."""
    app = subprocess.run(
        [sys.executable, "-c", DETECTS.format(name=name)], capture_output=True, text=True, check=True, env=ENVIRONMENT
    )
    assert app.stdout.strip() == FRAMEWORKS[name].value


ENVIRONMENT = {"PYTHONPATH": f"{ROOT / 'runtime'}:{APPS}", "AWS_DEFAULT_REGION": "eu-central-1"}
# In processes of their own: Django can be set up once, and some import half of the world.
DETECTS = """
from everloop.kinds import detect
from everloop.settings import Interface
import applications
print(detect("main:app", applications.{name}(), Interface.AUTO).value)
"""


class SlottedCall:
    """Keeps what it is called by in a slot, as Sentry's ASGI middleware does."""

    __slots__ = ("__call__",)

    def __init__(self) -> None:
        self.__call__ = self.run

    async def run(self, scope: Any, receive: Any, send: Any) -> None:
        """Take the part of an ASGI application."""


def test_a_call_in_a_slot_is_seen() -> None:
    """Python before 3.13 knows no signature for it."""
    assert detect("main:app", SlottedCall(), Interface.AUTO) is Kind.ASGI
