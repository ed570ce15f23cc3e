"""Event sources of the user's own: EVERLOOP_SOURCES to objects."""

import importlib
from collections.abc import Iterable
from typing import Any

from everloop.errors import InvalidSettings
from everloop.sources.base import EventSource

_WRITTEN = ("matches", "decode", "encode")


def load_sources(names: Iterable[str]) -> tuple[EventSource, ...]:
    """Import and make the sources that `module:Class` names, in order. Raises `InvalidSettings`, with every fault."""
    sources: list[EventSource] = []
    faults: list[str] = []
    cause: Exception | None = None
    for name in names:
        try:
            sources.append(_made(_found(name)))
        except _Fault as fault:
            faults.append(f"EVERLOOP_SOURCES={name!r}: {fault}")
            cause = cause or fault
    if faults:
        raise InvalidSettings(faults) from cause
    return tuple(sources)


class _Fault(Exception):
    """What is wrong with one of them."""


def _found(name: str) -> Any:
    module, _, attributes = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except Exception as error:
        raise _Fault(f"module {module!r} cannot be imported: {type(error).__name__}: {error}") from error
    walked = module
    for attribute in attributes.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError as error:
            from difflib import get_close_matches

            near = get_close_matches(attribute, [one for one in dir(found) if not one.startswith("__")], 1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            raise _Fault(f"{walked!r} has no {attribute!r}{hint}") from error
        walked = f"{walked}.{attribute}"
    return found


def _made(found: Any) -> EventSource:
    if not isinstance(found, type):
        raise _Fault(f"expected a class, found {type(found).__name__} {found!r}")
    lacking = [method for method in _WRITTEN if not callable(getattr(found, method, None))]
    if EventSource in found.__mro__:
        lacking = [method for method in _WRITTEN if getattr(found, method) is getattr(EventSource, method)]
    if not isinstance(getattr(found, "name", None), str):
        lacking.insert(0, "name")
    if lacking:
        raise _Fault(
            f"class {found.__name__} lacks {', '.join(lacking)}: an event source has name, a string, and the methods "
            "matches(event), decode(event) and encode(event, head, body, is_base64); "
            "see everloop.sources.base.EventSource"
        )
    if EventSource not in found.__mro__:
        # What a class leaves out that does not inherit from EventSource: streams, prelude, response_limit.
        found = type(found.__name__, (found, EventSource), {"__module__": found.__module__})
    try:
        source: EventSource = found()
    except Exception as error:
        raise _Fault(f"{found.__name__}() raised {type(error).__name__}: {error}") from error
    return source
