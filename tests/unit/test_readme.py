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
    defaults = Settings._field_defaults
    expected = {}
    for name in settings._PARSERS:
        if name.startswith("EVERLOOP_"):
            default = defaults[name.removeprefix("EVERLOOP_").lower()]
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


def test_every_setting_that_is_named_anywhere_exists() -> None:
    """Whoever copies a line out of a page gets no warning about a misspelt name."""
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]
    pages += [path for path in (ROOT / "examples").rglob("*") if path.suffix in (".py", ".md", ".yaml", ".tf")]
    named = {
        name for page in pages for name in re.findall(r"\bEVERLOOP_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8"))
    }

    assert named - settings._PARSERS.keys() == set()


def test_the_guide_for_migration_knows_every_setting_of_the_others() -> None:
    """Whoever comes with a setting finds what becomes of it."""
    guide = (ROOT / "docs" / "migrate.md").read_text(encoding="utf-8")
    mangum = "lifespan api_gateway_base_path custom_handlers text_mime_types exclude_headers"
    adapter = (
        "INVOKE_MODE HOST PORT READINESS_CHECK_PORT ASYNC_INIT REMOVE_BASE_PATH PASS_THROUGH_PATH ERROR_STATUS_CODES"
    )
    adapter += " ENABLE_COMPRESSION AUTHORIZATION_SOURCE LAMBDA_RUNTIME_API_PROXY"
    wsgi = "binary_support non_binary_content_type_prefixes STRIP_STAGE_PATH API_GATEWAY_BASE_PATH base_path keep_warm"
    zappa = "app_function app_type events exception_handler context_header_mappings snap_start"
    client = "AWS_LAMBDA_MAX_CONCURRENCY AWS_LAMBDA_LOG_FORMAT AWS_LAMBDA_LOG_LEVEL AWS_EXECUTION_ENV"
    theirs = [*mangum.split(), *(f"AWS_LWA_{name}" for name in adapter.split()), *f"{wsgi} {zappa} {client}".split()]

    assert [name for name in theirs if not re.search(rf"\b{name}\b", guide)] == []


def test_links_between_the_pages_lead_somewhere() -> None:
    """A page that moved takes its links with it."""
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "examples" / "deploy" / "README.md"):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
