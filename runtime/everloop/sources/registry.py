"""Which event source an event came from."""

from collections.abc import Iterable
from typing import Any, TypeVar

from everloop.errors import UnknownEvent
from everloop.sources.alb import LoadBalancer, LoadBalancerMulti
from everloop.sources.base import EventSource
from everloop.sources.function_url import FunctionUrl
from everloop.sources.http_api import HttpApi
from everloop.sources.http_api_1 import HttpApi1
from everloop.sources.lattice import Lattice
from everloop.sources.lattice_1 import Lattice1
from everloop.sources.rest import RestApi
from everloop.sources.websocket import WebSocketApi

Source = EventSource | WebSocketApi
"""HTTP is one exchange for each event, and so has one interface; a WebSocket is many events, and has its own."""

HTTP: tuple[EventSource, ...] = (
    FunctionUrl(),
    HttpApi(),
    RestApi(),
    HttpApi1(),
    LoadBalancer(),
    LoadBalancerMulti(),
    Lattice(),
    Lattice1(),
)

BUILT_IN: tuple[Source, ...] = (*HTTP, WebSocketApi())
"""In the order in which they are asked, for speed alone: a test shows that no event matches two."""


S = TypeVar("S", bound=Source)


def select(event: Any, sources: Iterable[S]) -> S:
    """Give the source that recognises an event. Raises `UnknownEvent`."""
    if isinstance(event, dict):
        for source in sources:
            if source.matches(event):
                return source
        seen = f"keys {', '.join(map(ascii, sorted(event)[:12]))}" if event else "an empty object"
    else:
        seen = f"a JSON {type(event).__name__}"
    raise UnknownEvent(
        f"This event is from no HTTP source that everloop knows ({seen}). Expected is an event of "
        f"{', '.join(source.name for source in sources)}. To try the function by hand, send a whole sample event of "
        "one of them, not just a request body."
    )
