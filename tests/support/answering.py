"""The right to answer one invocation, and the other end of its connection: real objects without sockets."""

import asyncio

from everloop.api.connection import Connection
from everloop.api.reply import Reply
from everloop.invocation import Invocation
from everloop.wire.runtime_api import RequestEncoder
from support.hostile import TURNS, HostileApi, Post, Wire

HEADERS = {b"Lambda-Runtime-Aws-Request-Id": b"request-1"}


class Answering:
    """A reply and the other end of its connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, event: bytes = b"{}") -> None:
        self.loop = loop
        self.api = HostileApi()
        self.connection: Connection = loop.run_until_complete(self.api.connect())
        self.released = 0
        self.broke = 0
        self.invocation = Invocation(HEADERS, event)
        self.reply = Reply(self.connection, RequestEncoder("runtime.test", "test"), self.invocation, self.release)
        self.reply.on_broken = self.broken

    @property
    def wire(self) -> Wire:
        return self.api.wires[0]

    def release(self) -> None:
        self.released += 1

    def broken(self) -> None:
        self.broke += 1

    def turn(self) -> None:
        """Let the loop turn a few times."""

        async def turns() -> None:
            for _ in range(TURNS):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())

    def posted(self) -> bool:
        """Whether anything has come yet."""
        self.wire.read()
        return bool(self.api.posts)

    def post(self) -> Post:
        """The one POST that came."""
        self.wire.read()
        [(post, _)] = self.api.posts["request-1"]
        return post
