"""New environments when the code has changed, on the same port."""

import asyncio
import fnmatch
from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

DEBOUNCE = 300
"""Milliseconds in which changes are gathered: an editor's save, a checkout of another branch."""


class SourceFilter(DefaultFilter):
    """Passes files of the wanted names below a root, and single files; no caches, virtual environments, repositories."""

    def __init__(self, root: Path, patterns: tuple[str, ...], files: tuple[Path, ...] = ()) -> None:
        super().__init__()
        self._root = root
        self._patterns = patterns
        self._files = frozenset(map(str, files))

    def __call__(self, change: Change, path: str) -> bool:
        """Tell whether a change matters."""
        if path in self._files:
            return True
        name = path.rpartition("/")[2]
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in self._patterns):
            return False
        # Judged below the root alone: a project may itself lie in a folder that is called `site-packages`.
        try:
            below = Path(path).relative_to(self._root)
        except ValueError:
            return False
        folders = below.parts[:-1]
        if any((self._root.joinpath(*folders[: depth + 1]) / "pyvenv.cfg").exists() for depth in range(len(folders))):
            return False
        return super().__call__(change, f"/{below}")


async def changes(
    root: Path, patterns: tuple[str, ...], files: tuple[Path, ...], stopping: asyncio.Event
) -> AsyncIterator[list[str]]:
    """Give the names of what has changed, until `stopping` is set. Raises `OSError` where nothing can be watched."""
    # Folders, not files: an editor replaces a file, and with it what was watched.
    folders = {root, *(file.parent for file in files)}
    async for changed in awatch(
        *folders,
        watch_filter=SourceFilter(root, patterns, files),
        debounce=DEBOUNCE,
        step=50,
        stop_event=stopping,
        rust_timeout=500,
        recursive=True,
    ):
        yield sorted({_name(Path(path), root) for _, path in changed})


def _name(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
