"""The README says what the code does."""

import re
from pathlib import Path

import everloop
from everloop import errors, settings
from everloop.settings import Settings
from everloop.sources.registry import BUILT_IN

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_settings_table_has_every_setting_and_its_default() -> None:
    """A setting that is not documented does not exist, and the other way round."""
    table = dict(re.findall(r"^\| `(EVERLOOP_\w+)` \| (?:`(.*?)`)? ?\|", section("Settings"), re.MULTILINE))
    fields = Settings.__dataclass_fields__
    expected = {}
    for name in settings._PARSERS:
        if name.startswith("EVERLOOP_"):
            default = fields[name.removeprefix("EVERLOOP_").lower()].default
            if isinstance(default, int | float):
                expected[name] = f"{default:g}"
            else:
                expected[name] = default if isinstance(default, str) else ""

    assert table == expected


def test_the_error_table_has_every_error_type() -> None:
    """Whoever sees an error type finds a row about it."""
    types = {
        value
        for error in vars(errors).values()
        if isinstance(value := getattr(error, "error_type", None), str)
        if value not in ("Runtime.InitError", "Runtime.InvocationError", "Runtime.ShutDown")
    }

    assert {name for name in types if f"`{name}`" not in section("When something goes wrong")} == set()


def test_every_event_source_is_in_the_table() -> None:
    """What is built in is named, with whether it streams."""
    rows = [row for row in section("Event sources").splitlines() if row.startswith("| ")][1:]

    assert sum(row.endswith("| yes |") for row in rows) == sum(source.streams for source in BUILT_IN)


def test_the_changelog_knows_the_version_or_is_unreleased() -> None:
    """The newest heading of the changelog is this version's, or the one before it is released."""
    newest = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)[0]

    assert newest == "Unreleased" or newest.startswith(everloop.__version__)


def test_every_public_name_is_there() -> None:
    """`__all__` is what users may rely on; a change to it is a change to the contract."""
    assert sorted(everloop.__all__) == [
        "ClientDisconnected",
        "EverloopError",
        "Invocation",
        "ProtocolError",
        "__version__",
        "after_response",
        "after_restore",
        "before_snapshot",
        "current_invocation",
        "http_stream",
        "wait_until",
    ]
    assert all(hasattr(everloop, name) for name in everloop.__all__)
