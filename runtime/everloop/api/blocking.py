"""The conversation with the Runtime API on a blocking socket, for handlers that run while no loop does.

The bytes are those of the loop's connection. What is saved is the loop: starting and stopping it for every invocation
costs more than the whole of a small handler.
"""

import logging
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from everloop.api.line import Expectation
from everloop.api.reply import Reply, refusal
from everloop.api.slot import FIRST_WAIT, POLL_TRIES
from everloop.errors import RuntimeApiError, RuntimeApiRefused, RuntimeApiUnreachable
from everloop.invocation import Invocation
from everloop.wire.http1 import AnswerReader, ApiAnswer
from everloop.wire.runtime_api import RequestEncoder

logger = logging.getLogger("everloop.api")

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
        expected = [*self._expected]
        if self.listener is not None and self.listener not in expected:
            expected.append(self.listener)
        self._expected.clear()
        for expectation in expected:
            expectation.lost(error)

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
        self._socket.close()


class BlockingSlot:
    """Polls for invocations, one at a time, and waits for them."""

    def __init__(self, host: str, port: int, encoder: RequestEncoder, make_reply: Callable[..., Reply] = Reply) -> None:
        self._address = (host, port)
        self._encoder = encoder
        self._make_reply = make_reply
        self._connection: BlockingConnection | None = None
        self._next: tuple[Invocation, Reply] | None = None
        self._failures = 0
        self._fatal: RuntimeApiError | None = None
        self._wait = 0.0
        self.idle = False
        """True while nothing would be lost by an exception: a signal's handler may raise one."""
        self.on_idle: Callable[[], None] = _nothing
        """Called whenever it is about to wait, and may raise: for signals that came while it was not idle."""

    def next_invocation(self) -> tuple[Invocation, Reply]:
        """Send what waits together with a poll and wait for an event. Raises `RuntimeApiError` when polling is futile.

        A poll has no timeout and is never given up: Lambda may already have put an event on the wire.
        """
        while (found := self._next) is None:
            connection = self._connected()
            if connection is not None:
                self._poll(connection)
            if self._fatal is not None:
                raise self._fatal
            if self._wait:
                self._rest(partial(time.sleep, self._wait))
                self._wait = 0.0
        self._next = None
        return found

    def _poll(self, connection: BlockingConnection) -> None:
        """Ask for the next invocation and wait for it, for a refusal, or for the end of the connection."""
        connection.listener = None
        connection.ask(self, self._encoder.next)
        while self._next is None and not (connection.closed or self._wait or self._fatal):
            # Bytes are read when it is not idle: among them may be Lambda's word that it has the last answer.
            self._rest(connection.wait)
            connection.receive()

    def _rest(self, wait: Callable[[], None]) -> None:
        """Be idle. In this order, so that a signal is noticed whenever it comes: by its handler, or by `on_idle`."""
        self.idle = True
        self.on_idle()
        wait()
        self.idle = False

    def flush(self) -> None:
        """Send an answer that waits for the next poll: the poll will take its time."""
        if self._connection is not None:
            self._connection.flush()

    def close(self) -> None:
        """Send what waits and end the connection."""
        if self._connection is not None:
            self._connection.close(poll=self)

    def _connected(self) -> BlockingConnection | None:
        if self._connection is None or self._connection.closed:
            try:
                self._connection = BlockingConnection(*self._address)
            except OSError as error:
                self._failed(RuntimeApiUnreachable(f"The Runtime API cannot be connected to: {error}"))
                return None
        return self._connection

    # What the connection tells of the poll.

    def answered(self, answer: ApiAnswer) -> None:
        """Keep an invocation for `next_invocation()`."""
        self.idle = False
        if answer.status != 200:
            self._failed(RuntimeApiRefused("GET /runtime/invocation/next", answer.status, answer.body))
            return
        try:
            invocation = Invocation(answer.headers, answer.body)
        except KeyError as error:
            name = error.args[0].decode()
            self._failed(RuntimeApiUnreachable(f"The Runtime API sent an event without {name}: {refusal(answer.body)}"))
            return
        self._failures = 0
        connection = self._connected()  # the event may have come with `Connection: close`
        if connection is not None:
            reply = self._make_reply(connection, self._encoder, invocation, _nothing)
            self._next = (invocation, reply)

    def lost(self, error: Exception) -> None:
        """Poll again. A connection that had served before was merely kept alive for too long."""
        if self._connection is None or not self._connection.served:
            self._failed(RuntimeApiUnreachable(f"The Runtime API ended the connection without an answer: {error}"))

    def _failed(self, error: RuntimeApiError) -> None:
        self._failures += 1
        # 403: Lambda and we disagree on whose turn it is, and only a new process gets us together again.
        forbidden = isinstance(error, RuntimeApiRefused) and error.status == 403
        if forbidden or self._failures == POLL_TRIES:
            self._fatal = error
            return
        self._wait = FIRST_WAIT * 2 ** (self._failures - 1)
        logger.warning(
            "Polling failed (%d of %d), next try in %.1f s: %s", self._failures, POLL_TRIES, self._wait, error
        )


def _nothing() -> None:
    """Do nothing: a reply's release polls elsewhere, here the main thread does; or nobody asked for more."""
