"""The test's side of the gates that hold applications back; see apps/gates.py."""

from pathlib import Path


class Gates:
    """A folder of gates, all shut at first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.env = {"GATES": str(folder)}

    def open(self, *names: str) -> None:
        for name in names:
            (self._folder / name).touch()
