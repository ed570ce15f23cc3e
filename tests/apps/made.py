"""Applications that are reached in other ways: a factory, dotted attributes, a class."""

from typing import Any

from messages import body, no_lifespan, start


class Named:
    """An application that answers with its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await no_lifespan(scope)
        await send(start())
        await send(body(self.name.encode()))


class Service:
    """Something that holds an application."""

    def __init__(self) -> None:
        self.app = Named("dotted")


service = Service()
app = Named("plain")


def create_app() -> Named:
    return Named("made by the factory")


def broken_factory() -> Named:
    raise LookupError("no configuration")
