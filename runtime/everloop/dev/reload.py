"""New environments when the code has changed, on the same port."""

import asyncio
import fnmatch
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

DEBOUNCE = 300
"""Milliseconds in which changes are gathered: an editor's save, a checkout of another branch."""

LOOK_UP = 200
"""Milliseconds between two looks at whether the server stops."""


class SourceFilter(DefaultFilter):
    """Passes files of the wanted names below a root; no caches, virtual environments, repositories."""

    def __init__(self, root: Path, patterns: tuple[str, ...]) -> None:
        super().__init__()
        self._root = root
        self._patterns = patterns

    def __call__(self, change: Change, path: str) -> bool:
        """Tell whether a change matters."""
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
    folder: Path, wanted: Callable[[Change, str], bool], stopping: asyncio.Event, *, below: bool = True
) -> AsyncIterator[list[str]]:
    """Give the names of what has changed in a folder, and `below` it, until `stopping` is set.

    The first list is empty: it says that from now on nothing is missed. Folders are watched, not files: an editor
    replaces a file, and with it what was watched.
    """
    begun = False
    async for changed in awatch(
        folder,
        watch_filter=wanted,
        debounce=DEBOUNCE,
        step=50,
        stop_event=stopping,
        rust_timeout=LOOK_UP,
        yield_on_timeout=True,
        recursive=below,
        ignore_permission_denied=True,
    ):
        if not begun:
            begun = True
            yield []
        if changed:
            yield sorted({_name(Path(path), folder) for _, path in changed})


def _name(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
