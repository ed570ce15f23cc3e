"""The stream of what changes in the journal, as server-sent events."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from everloop.dev.inspector.records import summary
from everloop.dev.journal import Journal, Record

PAUSE = 0.1
"""Seconds between two messages: a stream of a million chunks must not become a million messages."""

HEARTBEAT = 15.0
"""Seconds of silence after which a comment shows that the stream still lives."""


async def changes(journal: Journal, stopping: asyncio.Event) -> AsyncIterator[str]:
    """Give `snapshot`, all records, then `changed` with those that have changed, until the server stops."""
    waiting: dict[int, Record] = {}
    news = asyncio.Event()

    def note(record: Record) -> None:
        waiting[record.number] = record
        news.set()

    stop_listening = journal.listen(note)
    stopped = asyncio.ensure_future(stopping.wait())
    stopped.add_done_callback(lambda _: news.set())
    try:
        yield _message("snapshot", [summary(record) for record in journal])
        while not stopping.is_set():
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await news.wait()
            except TimeoutError:
                yield ": still here\n\n"
                continue
            changed = list(waiting.values())
            waiting.clear()
            news.clear()
            if changed:
                yield _message("changed", [summary(record) for record in changed])
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(stopped), PAUSE)
    finally:
        stop_listening()
        stopped.cancel()


def _message(event: str, value: object) -> str:
    return f"event: {event}\ndata: {json.dumps(value)}\n\n"
