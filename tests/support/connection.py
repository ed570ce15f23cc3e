"""One connection to the scripted Runtime API: a thread that reads and a thread that understands and answers.

Two threads, so that the arrival of every byte, and the end of the connection, are seen while an answer is held back.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import struct
import threading
from typing import TYPE_CHECKING

import h11

from support.answers import Answer, Drop, Plan
from support.recording import KEEP, Chunk, Piece, Request, now

if TYPE_CHECKING:
    from support.scripted_api import ScriptedRuntimeApi

PIECE = 64 * 1024
DATA_SEGMENTS_IN = 152  # offset of tcpi_data_segs_in in struct tcp_info (linux/tcp.h)
MAX_HEAD = 4 * 1024 * 1024


class Ended(Exception):
    """The connection is over, for whatever reason."""


class Connection:
    """A client's connection. `pieces` is everything that came, in order."""

    def __init__(self, api: ScriptedRuntimeApi, sock: socket.socket, number: int) -> None:
        self.number = number
        self.opened_at = now()
        self.ended_at: float | None = None
        self.pieces: list[Piece] = []
        self._api = api
        self._socket = sock
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        # Bounded, so that a worker that stops taking pieces makes the reader stop reading.
        self._unread: queue.Queue[Piece] = queue.Queue(maxsize=1)
        self._fed = bytearray()  # the bytes since the current request's beginning
        self._eof = False
        self._finished = False  # nobody takes pieces any more
        self._kept = 0

    def start(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._work, daemon=True).start()

    @property
    def open(self) -> bool:
        return self.ended_at is None

    def segments(self) -> int:
        """TCP segments with data received so far: two writes of the client are two, however late we read them."""
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        count: int = struct.unpack_from("=I", info, DATA_SEGMENTS_IN)[0]
        return count

    def close(self, *, reset: bool = False) -> None:
        """End the connection from the server's side."""
        with contextlib.suppress(OSError):
            if reset:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # shutdown, because close alone would not wake the reader out of its recv.
            self._socket.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
        self._mark_ended()
        self._socket.close()

    def _mark_ended(self) -> None:
        with self._api.changed:
            if self.ended_at is None:
                self.ended_at = now()
            self._api.changed.notify_all()

    # The reading thread.

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv(PIECE)
                segments = self.segments() if data else 0
            except OSError:
                data, segments = b"", 0
            piece = Piece(data, now(), segments)
            if self._kept < KEEP:
                with self._api.changed:
                    self.pieces.append(piece)
                    self._kept += len(data)
                    self._api.changed.notify_all()
            if not data:
                self._mark_ended()
            self._hand_over(piece)
            if not data:
                return

    def _hand_over(self, piece: Piece) -> None:
        while not self._finished:
            with contextlib.suppress(queue.Full):
                self._unread.put(piece, timeout=0.1)
                return

    # The working thread.

    def _work(self) -> None:
        try:
            while self._serve():
                pass
        except Ended:
            pass
        except h11.LocalProtocolError as error:  # a script that HTTP does not allow: the test's own mistake
            self._api.fault(f"connection #{self.number}: the script is not HTTP: {error}")
        finally:
            self._finished = True
            self.close()

    def _serve(self) -> bool:
        event = self._next_event(None)
        if not isinstance(event, h11.Request):
            return False
        request = self._begin(event)
        plan = self._api.plan(request)
        answered = self._receive(request, plan)
        if not answered:
            self._carry_out(self._api.settle(request, plan), request)
        if self._h11.our_state is not h11.DONE:
            return False
        self._h11.start_next_cycle()
        return True

    def _begin(self, event: h11.Request) -> Request:
        target = event.target.decode("latin-1")
        end = self._fed.index(b"\r\n\r\n") + 4
        endpoint, request_id = self._api.route(target)
        request = Request(
            connection=self,
            endpoint=endpoint,
            request_id=request_id,
            method=event.method.decode(),
            target=target,
            raw_headers=[(bytes(name), bytes(value)) for name, value in event.headers.raw_items()],
            head=bytes(self._fed[:end]),
            head_piece=len(self.pieces) - 1,
            received_at=now(),
        )
        self._api.record(request)
        return request

    def _receive(self, request: Request, plan: Plan | None) -> bool:
        """Read the body; tells whether the answer went out meanwhile."""
        answered = False
        stall = plan.stall if plan is not None else None
        while True:
            if plan is not None and plan.after is not None and not answered and request.size >= plan.after:
                self._carry_out(plan, request)
                answered = True
                if isinstance(plan, Answer) and plan.close:
                    self._linger()
                    raise Ended
            if stall is not None and request.size >= stall.after:
                self._api.hold(stall.until)
                stall = None
            event = self._next_event(request)
            if isinstance(event, h11.Data):
                self._add(request, event)
            elif isinstance(event, h11.EndOfMessage):
                self._complete(request, event)
                return answered

    def _add(self, request: Request, event: h11.Data) -> None:
        at, piece = now(), len(self.pieces) - 1
        data = event.data
        kept = data if request.size < KEEP else b""
        with self._api.changed:
            if event.chunk_start:
                request.chunks.append(Chunk(started=at))
            if request.chunks:
                chunk = request.chunks[-1]
                chunk.data += kept
                chunk.size += len(data)
                if event.chunk_end:
                    chunk.ended, chunk.piece = at, piece
            request.content += kept
            request.size += len(data)
            self._api.changed.notify_all()

    def _complete(self, request: Request, event: h11.EndOfMessage) -> None:
        following, _ = self._h11.trailing_data  # bytes of the next request
        end = len(self._fed) - len(following) if request.size < KEEP else len(self._fed)
        with self._api.changed:
            request.raw = bytes(self._fed[:end])
            request.trailers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
            request.completed_at = now()
            self._api.changed.notify_all()
        self._fed = bytearray(following)

    def _next_event(self, request: Request | None) -> object:
        while True:
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError as error:
                if not self._eof:
                    self._api.fault(f"connection #{self.number}: {error}: {bytes(self._fed[-300:])!r}")
                self._break(request)
                raise Ended from error
            if event is not h11.NEED_DATA:
                return event
            piece = self._unread.get()
            self._eof = not piece.data
            self._h11.receive_data(piece.data)
            if request is None or request.size < KEEP:
                self._fed += piece.data

    def _break(self, request: Request | None) -> None:
        if request is not None and not request.complete:
            with self._api.changed:
                request.broken_at = now()
                request.raw = bytes(self._fed)
                self._api.changed.notify_all()

    # Answering.

    def _carry_out(self, plan: Plan, request: Request) -> None:
        if plan.hold is not None:
            self._api.hold(plan.hold)
        if isinstance(plan, Drop):
            self.close(reset=plan.reset)
            self._break(request)
            raise Ended
        framing = ("Transfer-Encoding", "chunked") if plan.chunked else ("Content-Length", str(len(plan.body)))
        headers = [*plan.headers, framing]
        if plan.close:
            headers.append(("Connection", "close"))
        data = b"".join(
            self._h11.send(event) or b""
            for event in (
                h11.Response(status_code=plan.status, headers=headers, reason=b"Scripted"),
                h11.Data(data=plan.body),
                h11.EndOfMessage(),
            )
        )
        with self._api.changed:
            request.status = plan.status
            request.answered_at = now()
            self._api.changed.notify_all()
        self._write(data if plan.partial is None else data[: plan.partial], plan.piece or len(data))
        if plan.partial is not None:
            raise Ended

    def _linger(self) -> None:
        """Close as Go's server does: say that no more will come, and give the client 0.5 s to read the answer."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        with self._api.changed:
            self._api.changed.wait_for(lambda: not self.open, 0.5)

    def _write(self, data: bytes, step: int) -> None:
        try:
            for start in range(0, len(data), step):
                self._socket.sendall(data[start : start + step])
        except OSError as error:
            raise Ended from error
