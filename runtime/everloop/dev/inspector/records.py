"""A record of the journal as the page gets it: a line of the list, or everything about it."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from everloop.dev.inspector import answer
from everloop.dev.inspector.scope import describe
from everloop.dev.journal import Record

POINTS = 800
"""Points of a series that are drawn: as many as there are pixels."""

CHUNKS = 300
"""Chunks that are listed one by one."""

PREVIEW = 160
"""Bytes of a chunk that its line shows."""

Series = list[tuple[float, int]]


class State(StrEnum):
    """Where an invocation has got to."""

    WAITING = "waiting"
    """No environment is free yet. Goes to RUNNING or FAILED."""
    RUNNING = "running"
    """The function has its event. Goes to RESPONDING, BACKGROUND, DONE or FAILED."""
    RESPONDING = "responding"
    """Its response comes in pieces. Goes to BACKGROUND, DONE or FAILED."""
    BACKGROUND = "background"
    """The response is complete, and the function still works. Goes to DONE or FAILED."""
    DONE = "done"
    FAILED = "failed"


def state_of(record: Record) -> State:
    """Tell where an invocation has got to."""
    if record.failure is not None:
        return State.FAILED
    if record.finished_at is not None:
        return State.DONE
    if record.responded_at is not None:
        return State.BACKGROUND
    if record.first_byte_at is not None:
        return State.RESPONDING
    return State.RUNNING if record.started_at is not None else State.WAITING


def summary(record: Record) -> dict[str, Any]:
    """Give a line of the list. Durations are milliseconds, `received_at` seconds since the epoch."""
    return {
        "number": record.number,
        "request_id": record.request_id,
        "source": record.source,
        "label": record.label,
        "state": state_of(record),
        "status": record.status,
        "failure": record.failure,
        "error_type": record.error_type,
        "streaming": record.streaming,
        "response_mode": record.response_mode,
        "environment": record.environment,
        "received_at": record.received_at,
        "duration": _milliseconds(record.duration),
        "bytes": record.response_bytes,
        "client_gone": record.client_gone,
    }


def detail(record: Record, environ: Mapping[str, str]) -> dict[str, Any]:
    """Give everything about an invocation; `environ` is the function's, for what shapes its scope."""
    kept = bytes(record.response)
    said = answer.read(kept, record.content_type)
    shown = answer.shown(said.body)
    produced = [(at, max(0, size - said.offset)) for at, size in record.produced]
    return {
        **summary(record),
        "trace_id": record.trace_id,
        "content_type": record.content_type,
        "memory_mb": record.memory_mb,
        "times": _times(record),
        "event": event_of(record.event),
        "event_text": written(record.event),
        "scope": describe(record.event, environ),
        "response": {
            "kind": said.kind,
            "head": said.head,
            "status": said.status,
            "body": shown,
            "kept": len(kept),
            "whole": len(kept) >= record.response_bytes,
        },
        "error": event_of(bytes(record.error)) if record.error else None,
        "logs": [{"at": _since(record, line.at), "stream": line.stream, "text": line.text} for line in record.logs],
        "produced": _series(record, produced),
        "delivered": _series(record, record.delivered),
        "chunks": _chunks(record, kept, said.offset),
        "chunk_count": len(record.produced),
    }


def event_of(payload: bytes) -> Any:
    """Give the JSON that a payload is, else its text."""
    try:
        return json.loads(payload, parse_constant=str)  # NaN is no JSON, and there is no way to give it
    except (ValueError, RecursionError):
        return payload.decode("utf-8", "replace")


def written(payload: bytes) -> str:
    """Give a payload as text for reading: JSON in lines, its numbers as they are, which JavaScript would round."""
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return payload.decode("utf-8", "replace")


def _times(record: Record) -> dict[str, float | None]:
    """Give what happened when, in milliseconds since the call came."""
    moments = {
        "started": record.started_at,
        "first_byte": record.first_byte_at,
        "responded": record.responded_at,
        "finished": record.finished_at,
    }
    times = {name: None if at is None else _since(record, at) for name, at in moments.items()}
    return {**times, "init": _milliseconds(record.init_seconds)}


def _series(record: Record, points: Sequence[tuple[float, int]]) -> Series:
    """Thin a series out to what can be drawn, its first and last point kept."""
    step = max(1, -(-len(points) // POINTS))
    kept = list(points[::step])
    if points and kept[-1] != points[-1]:
        kept.append(points[-1])
    return [(_since(record, at), size) for at, size in kept]


def _chunks(record: Record, kept: bytes, offset: int) -> list[dict[str, Any]]:
    """Give the first chunks of the body: when each came and when it had gone to the client, and how it begins."""
    chunks = []
    before = 0
    gone = 0
    for at, total in record.produced[:CHUNKS]:
        begin, before = max(before, offset), total
        if total <= offset:
            continue  # all of it is prelude
        while gone < len(record.delivered) and record.delivered[gone][1] < total - offset:
            gone += 1
        delivered = record.delivered[gone][0] if gone < len(record.delivered) else None
        preview = kept[begin : min(total, begin + PREVIEW)]
        chunks.append(
            {
                "at": _since(record, at),
                "delivered": None if delivered is None else _since(record, delivered),
                "bytes": total - begin,
                "preview": answer.as_text(preview) if preview else None,
                "cut": total - begin > len(preview),
            }
        )
    return chunks


def _since(record: Record, at: float) -> float:
    return round((at - record.received_at) * 1000, 3)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
