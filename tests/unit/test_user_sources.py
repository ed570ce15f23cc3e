"""Event sources of the user's own: loaded, asked first, and refused with a reason."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from everloop.errors import InvalidSettings
from everloop.exchange import ResponseHead
from everloop.sources.registry import BUILT_IN, select
from everloop.user_sources import load_sources
from support.payloads import payload

APPS = Path(__file__).parent.parent / "apps"


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder of the user's modules is on the path, as LAMBDA_TASK_ROOT is."""
    monkeypatch.syspath_prepend(str(APPS))
    yield
    sys.modules.pop("iot_source", None)


def fault(*names: str) -> str:
    with pytest.raises(InvalidSettings) as caught:
        load_sources(names)
    return str(caught.value)


def test_sources_are_made_in_their_order_and_asked_first() -> None:
    """An event that a built-in source knows as well goes to the user's."""
    own = load_sources(["iot_source:IotRule", "iot_source:AppSync"])
    sources = (*own, *BUILT_IN)

    assert [source.name for source in own] == ["iot-rule", "appsync"]
    assert select(payload("iot-rule", "telemetry").event, sources).name == "iot-rule"
    assert select(payload("appsync", "resolver").event, sources).name == "appsync"
    assert select(payload("alb", "get").event | {"topic": "x", "deviceId": "y"}, sources).name == "iot-rule"


def test_what_a_class_leaves_out_has_a_default() -> None:
    """Three methods and a name are enough, with and without inheriting."""
    for source in load_sources(["iot_source:IotRule", "iot_source:AppSync"]):
        assert (source.streams, source.response_limit) == (False, None)
        with pytest.raises(NotImplementedError):
            source.prelude(ResponseHead(200, []))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_such_module:IotRule", "'no_such_module' cannot be imported: ModuleNotFoundError"),
        ("failing_on_import:IotRule", "cannot be imported: ValueError: on import"),
        ("iot_source:IotRul", "'iot_source' has no 'IotRul', did you mean 'IotRule'?"),
        ("iot_source:ready", "expected a class, found IotRule"),
        ("iot_source:Unfinished", "lacks name, matches, decode, encode"),
        ("iot_source:Nearly", "lacks name:"),
        ("iot_source:NeedsArguments", "NeedsArguments() raised TypeError"),
    ],
)
def test_what_cannot_be_loaded_is_explained(
    name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the setting and its value, as every wrong setting."""
    (tmp_path / "failing_on_import.py").write_text("raise ValueError('on import')\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    text = fault(name)

    assert f"EVERLOOP_SOURCES={name!r}" in text
    assert says in text


def test_all_faults_are_reported_together() -> None:
    """One deployment is enough to learn of all."""
    text = fault("no_such_module:A", "iot_source:IotRule", "iot_source:B")

    assert "no_such_module" in text
    assert "has no 'B'" in text
