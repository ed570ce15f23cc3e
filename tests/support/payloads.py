"""The payload files of tests/events, found and read."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parent.parent / "events"

SCOPE_SUFFIX = ".scope.json"


class Payload:
    """One event out of a file: `source` is the name of its folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = path.parent.name
        self.id = f"{self.source}/{path.stem}"

    def __repr__(self) -> str:
        return self.id

    @property
    def event(self) -> dict[str, Any]:
        """The event, a new one at every look, so that no test sees what another did to it."""
        event: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return event

    @property
    def scope_path(self) -> Path:
        return self.path.with_name(self.path.stem + SCOPE_SUFFIX)


class Expected:
    """What the application must see of an event, read from the file beside it."""

    def __init__(self, path: Path) -> None:
        document = json.loads(path.read_text(encoding="utf-8"))
        self.base_path: str = document.get("base_path", "")
        self.body: bytes = document["body"].encode("latin-1")
        self.scope = typed(document["scope"])


def typed(fields: dict[str, Any]) -> dict[str, Any]:
    """Turn the fields of a `.scope.json` into what ASGI has: bytes from latin-1 text, tuples from addresses."""
    fields = copy.deepcopy(fields)
    for name in ("raw_path", "query_string", "body"):
        if name in fields:
            fields[name] = fields[name].encode("latin-1")
    if "headers" in fields:
        fields["headers"] = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in fields["headers"]]
    for name in ("client", "server"):
        if fields.get(name) is not None:
            fields[name] = tuple(fields[name])
    return fields


def payloads(*sources: str) -> list[Payload]:
    """Find every event, or those of some sources, in the order of their names."""
    return sorted(_find(sources), key=lambda payload: payload.id)


def payload(source: str, case: str) -> Payload:
    """Find one event by its folder and its file."""
    return Payload(EVENTS / source / f"{case}.json")


def malformed() -> list[Payload]:
    """Find every malformed case; its `event` is the whole file: source, outcome and event."""
    return sorted(map(Payload, EVENTS.glob("malformed/*/*.json")), key=lambda case: case.id)


def _find(sources: tuple[str, ...]) -> Iterator[Payload]:
    for path in EVENTS.glob("*/*.json"):
        if not path.name.endswith(SCOPE_SUFFIX) and (not sources or path.parent.name in sources):
            yield Payload(path)
