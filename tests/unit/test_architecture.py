"""Who may import whom: the rules that keep the parts apart, read from the source by `ast`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import everloop

ROOT = Path(everloop.__file__).parent

FOUNDATION = {"errors", "setting_values", "settings", "exchange", "headers", "context", "invocation"}
PURE = {
    "errors",
    "setting_values",
    "settings",
    "exchange",
    "headers",
    "report",
    "http_stream",
    "wire",
    "sources",
    "wsgi",
}
IMPURE = {
    "asyncio",
    "os",
    "socket",
    "ssl",
    "select",
    "selectors",
    "signal",
    "subprocess",
    "threading",
    "time",
    "uvloop",
}
SOCKETS = {"socket", "ssl", "select", "selectors", "http", "urllib3", "httpx", "requests", "aiohttp"}

MAY_IMPORT = {
    "errors": set[str](),
    "setting_values": set(),
    "settings": {"errors", "setting_values"},
    "exchange": {"errors"},
    "headers": set(),
    "context": {"errors", "headers"},
    "invocation": {"context", "errors", "headers"},
    "report": {"errors"},
    "wire": {"errors", "headers"},
    "sources": {"errors", "exchange"},
    "asgi": {"errors", "exchange"},
    "wsgi": {"errors", "exchange"},
    "http_stream": {"exchange"},
    "tracing": set(),
    "kinds": {"errors", "loader", "settings"},
    "api": {"errors", "invocation", "report", "wire"},
}
"""What the lower parts may know of one another. Parts that are not named here compose and may know all below them."""


def parts() -> list[str]:
    return sorted({path.relative_to(ROOT).parts[0].removesuffix(".py") for path in ROOT.rglob("*.py")})


def files_of(part: str) -> list[Path]:
    return [path for path in (ROOT / f"{part}.py", *sorted((ROOT / part).rglob("*.py"))) if path.exists()]


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(node: ast.AST) -> Iterator[str]:
    """Find what is imported when the code runs: whole dotted names, `from a import b` as `a.b`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif not is_type_checking(child):
            yield from imports(child)


def imported(path: Path) -> set[str]:
    return set(imports(ast.parse(path.read_text(encoding="utf-8"))))


def own(names: set[str]) -> set[str]:
    """Give the parts of everloop among imported names; `everloop.x.y` is of the part `x`."""
    return {name.split(".")[1] for name in names if name.startswith("everloop.")}


def foreign(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_part_knows_only_what_it_may_know(part: str) -> None:
    """Each part can be read, tested and replaced without the ones that are not in its list."""
    for path in files_of(part):
        assert own(imported(path)) - {part} <= MAY_IMPORT[part], path.name


@pytest.mark.parametrize("part", sorted(PURE))
def test_pure_parts_do_no_io_and_read_no_clock(part: str) -> None:
    """Pure parts turn values into values: their tests need no loop, no socket and no waiting."""
    for path in files_of(part):
        assert not foreign(imported(path)) & IMPURE, path.name


@pytest.mark.parametrize("part", [part for part in parts() if part not in ("api", "dev")])
def test_only_api_opens_connections(part: str) -> None:
    """What goes over the network is in one package."""
    calls = {"create_connection", "open_connection", "open_unix_connection", "create_server", "start_server"}
    for path in files_of(part):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not foreign(imported(path)) & SOCKETS, path.name
        assert not used & calls, path.name


@pytest.mark.parametrize("part", [part for part in parts() if part not in ("__main__", "dev")])
def test_nobody_but_the_entry_reads_the_environment(part: str) -> None:
    """Everybody else is given settings, so a test never patches the environment."""
    for path in files_of(part):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
                assert node.attr not in ("environ", "getenv", "putenv"), path.name
        assert not imported(path) & {"os.environ", "os.getenv"}, path.name


def test_nobody_imports_the_development_side() -> None:
    """What is for a laptop is never loaded on Lambda."""
    for part in parts():
        if part != "dev":
            assert not [path for path in files_of(part) if "dev" in own(imported(path))]


def test_the_development_side_reuses_no_encoder() -> None:
    """One mistake cannot hide in both: the emulator speaks to the runtime in its own words.

    The one exception shows what the runtime makes of an event, and so has to ask it.
    """
    exceptions = {ROOT / "dev" / "inspector" / "scope.py": {"sources", "asgi"}}
    for path in files_of("dev"):
        borrowed = own(imported(path)) & {"wire", "sources", "api", "asgi", "wsgi", "handlers"}
        assert borrowed == exceptions.get(path, set()), path.name


def test_only_the_composer_knows_handlers_and_slots() -> None:
    """`runtime` puts the parts together, `workers` several of them; nothing below reaches up."""
    for part in parts():
        if part not in ("__init__", "__main__", "runtime", "workers", "dev"):
            assert not [path for path in files_of(part) if own(imported(path)) & {"runtime", "__main__"}]


def test_there_is_no_drawer_for_odds_and_ends() -> None:
    """A module that is named for nothing holds everything in the end."""
    drawers = {"utils", "util", "helpers", "helper", "common", "core", "misc"}

    assert not [path for path in ROOT.rglob("*") if path.stem in drawers]


def test_every_module_says_its_job() -> None:
    """The first line of a file is its single job, in a sentence."""
    for path in ROOT.rglob("*.py"):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert text, path
        assert text.splitlines()[0].rstrip()[-1] in ".:", path
