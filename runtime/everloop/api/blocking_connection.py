"""One keep-alive connection to the Runtime API on a blocking socket: what `Connection` is, where no loop runs."""

import asyncio
import select
import socket
from collections import deque
from collections.abc import Sequence

from everloop.api.line import Expectation, tell_lost
from everloop.errors import RuntimeApiUnreachable
from everloop.wire.http1 import AnswerReader

READ_SIZE = 64 * 1024
"""Bytes asked for at once. A buffer of 128 KiB or more would be mapped and unmapped by the kernel for every read."""
JOINED_SIZE = 64 * 1024
"""Pieces up to this many bytes are joined into one write; larger ones are not copied."""
LAST_ANSWER_TIMEOUT = 0.2
"""Seconds that the process waits, when it ends, for Lambda to say that it has the last answer."""


class BlockingConnection:
    """A `Line` whose writes wait: it is never paused, and nothing is read until somebody asks for it."""

    paused = False

    def __init__(self, host: str, port: int) -> None:
        """Connect. Raises `OSError`."""
        self._socket = socket.create_connection((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._readable = select.poll()
        self._readable.register(self._socket, select.POLLIN)
        self._reader = AnswerReader()
        self._expected: deque[Expectation] = deque()
        self._waiting = b""
        self.served = 0
        """Answers that came so far: a connection that served once and then ends was merely kept alive too long."""
        self.closed = False
        self.listener: Expectation | None = None
        self._watched_on: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"<BlockingConnection {'closed' if self.closed else 'open'}, {len(self._expected)} answers outstanding>"

    @property
    def outstanding(self) -> int:
        """Requests whose answers have not come."""
        return len(self._expected)

    def ask(self, expectation: Expectation, request: bytes, may_wait: bool = False) -> None:
        """Write a request and expect its answer. One that may wait leaves with the next write, or by `flush()`."""
        if self.closed:
            expectation.lost(RuntimeApiUnreachable("The connection to the Runtime API is closed"))
            return
        self._expected.append(expectation)
        if may_wait:
            self._waiting = request
        else:
            self._send(self._waiting + request if self._waiting else request)

    def begin(self, expectation: Expectation, pieces: Sequence[bytes]) -> None:
        """Write a request, or the beginning of one, and expect its answer."""
        if self.closed:
            expectation.lost(RuntimeApiUnreachable("The connection to the Runtime API is closed"))
            return
        self.flush()
        self._expected.append(expectation)
        self._write(pieces)

    def write(self, pieces: Sequence[bytes]) -> None:
        """Write more of a streamed request; first look whether Lambda has refused it meanwhile."""
        if not self.closed and self._readable.poll(0):
            self.receive()
        if not self.closed:
            self._write(pieces)

    def write_through(self, enabled: bool) -> None:
        """Do nothing: every write reaches the socket at once."""

    async def drain(self) -> None:
        """Return at once: a write has waited as long as was needed."""

    def flush(self) -> None:
        """Send what waits."""
        if self._waiting and not self.closed:
            self._send(self._waiting)

    def _write(self, pieces: Sequence[bytes]) -> None:
        if sum(map(len, pieces)) <= JOINED_SIZE:
            self._send(b"".join(pieces))
        else:
            for piece in pieces:
                if not self.closed:
                    self._send(piece)

    def _send(self, data: bytes) -> None:
        self._waiting = b""
        try:
            self._socket.sendall(data)
        except OSError as error:
            self.abort(error)

    def wait(self) -> None:
        """Wait for bytes without taking them: whoever is interrupted here has lost nothing."""
        self._readable.poll()

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Receive what comes while the loop runs, until `unwatch()`: nobody else would notice an end."""
        self._watched_on = loop
        loop.add_reader(self._socket, self.receive)

    def unwatch(self) -> None:
        """Leave the socket to those who wait for it."""
        loop, self._watched_on = self._watched_on, None
        if loop is not None:
            loop.remove_reader(self._socket)

    def receive(self) -> None:
        """Wait for bytes and hand the answers in them on. An end of the connection is told to those who wait."""
        try:
            data = self._socket.recv(READ_SIZE)
            if not data:
                raise ConnectionResetError("The Runtime API closed the connection")
            answers = self._reader.receive(data)
        except (OSError, RuntimeApiUnreachable) as error:
            self.abort(error)
            return
        for answer in answers:
            if not self._expected:
                self.abort(RuntimeApiUnreachable(f"The Runtime API answered what nobody asked: {answer!r}"))
                return
            self.served += 1
            if not answer.keep_alive:
                self._close()
            self._expected.popleft().answered(answer)

    def abort(self, error: Exception) -> None:
        """End the connection; what is still expected is lost with `error`."""
        self._close()
        tell_lost(self._expected, self.listener, error)

    def close(self, poll: Expectation) -> None:
        """Send what waits, give Lambda a moment to answer all but the poll, and end the connection."""
        self.listener = None
        self.flush()
        if not self.closed:
            self._socket.settimeout(LAST_ANSWER_TIMEOUT)
            while self._expected and self._expected[0] is not poll and not self.closed:
                self.receive()
        self._close()

    def _close(self) -> None:
        self.closed = True
        self.unwatch()
        self._socket.close()
