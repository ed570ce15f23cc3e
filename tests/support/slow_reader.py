"""A Runtime API that reads streams at a pace: plain sockets, nothing kept, so that it is never the one that grows."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from dataclasses import dataclass
from io import BufferedReader
from typing import Any, Self, cast


@dataclass
class Stream:
    """What came of one streamed answer."""

    request_id: str
    size: int = 0
    """Bytes behind the prelude."""
    pieces: int = 0
    """Chunks whose number was the one that was due."""
    complete: bool = False
    trailers: int = 0


class SlowReader:
    """Gives `events` events to whoever polls and reads each answer at `rate` bytes per second (None: at once)."""

    def __init__(self, event: Any, events: int, rate: float | None, *, receive_buffer: int | None = None) -> None:
        self.streams: list[Stream] = []
        self.changed = threading.Condition()
        self._event = json.dumps(event).encode()
        self._events = events
        self._rate = rate
        self._sockets: list[socket.socket] = []
        self._listener = socket.socket()
        if receive_buffer is not None:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(128)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.polls = 0
        self.faults: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.changed:
            self._events = -1
            self.changed.notify_all()
        for sock in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def go(self, events: int) -> None:
        """Give so many more events."""
        with self.changed:
            self._events += events
            self.changed.notify_all()

    def wait(self, what: str, met: Any, timeout: float) -> None:
        with self.changed:
            if not self.changed.wait_for(met, timeout):
                raise TimeoutError(f"{what}: not within {timeout} s; {self.streams}; {self.faults}")

    def wait_for_streams(self, count: int, timeout: float) -> list[Stream]:
        """Wait until so many answers are complete."""
        self.wait(f"{count} streams", lambda: sum(stream.complete for stream in self.streams) >= count, timeout)
        return self.streams

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._sockets.append(sock)
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        reader = cast("BufferedReader", sock.makefile("rb", buffering=65536))
        with contextlib.suppress(OSError, ValueError):
            while line := reader.readline():
                while reader.readline() not in (b"\r\n", b""):
                    pass
                if line.startswith(b"GET "):
                    self._give(sock)
                elif b"/response " in line:
                    self._read(reader, Stream(line.split(b"/")[-2].decode()))
                    sock.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
                else:
                    self.faults.append(line.decode())
                    return

    def _give(self, sock: socket.socket) -> None:
        with self.changed:
            self.polls += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: self._events)
            if self._events < 0:
                raise OSError("the test is over")
            self._events -= 1
            number = len(self.streams) + self._events
        deadline = int((time.time() + 900) * 1000)
        head = (
            f"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: request-{number}-{time.monotonic_ns()}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {deadline}\r\nContent-Length: {len(self._event)}\r\n\r\n"
        )
        sock.sendall(head.encode() + self._event)

    def _read(self, reader: BufferedReader, stream: Stream) -> None:
        with self.changed:
            self.streams.append(stream)
        begun = time.monotonic()
        prelude_seen = False
        while size := int(reader.readline(), 16):
            data = reader.read(size)
            reader.readline()
            if not prelude_seen:
                prelude_seen = b"\0" * 8 in data
                continue
            stream.pieces += data[:8] == stream.pieces.to_bytes(8, "big")
            stream.size += len(data)
            if self._rate and (early := stream.size / self._rate - (time.monotonic() - begun)) > 0:
                time.sleep(early)
        while reader.readline() not in (b"\r\n", b""):
            stream.trailers += 1
        with self.changed:
            stream.complete = True
            self.changed.notify_all()
