"""Which event source an event is given to: exactly one for HTTP, none for anything else."""

from typing import Any

import pytest

from everloop.errors import UnknownEvent
from everloop.sources.registry import BUILT_IN, select
from support.payloads import Payload, payload, payloads

NAMES = {source.name for source in BUILT_IN}


def ids(case: Payload) -> str:
    return case.id


@pytest.mark.parametrize("case", payloads(), ids=ids)
def test_every_event_is_recognised_by_the_source_of_its_folder_alone(case: Payload) -> None:
    """Recognition is by marks, so no two sources claim one event and none claims what is not HTTP."""
    claims = [source.name for source in BUILT_IN if source.matches(case.event)]

    assert claims == ([case.source] if case.source in NAMES else [])


@pytest.mark.parametrize("case", payloads(*NAMES), ids=ids)
def test_selection_agrees_with_recognition(case: Payload) -> None:
    """`select` gives the one source that matches."""
    assert select(case.event, BUILT_IN).name == case.source


@pytest.mark.parametrize("case", [case for case in payloads() if case.source not in NAMES], ids=ids)
def test_what_is_not_http_is_an_unknown_event(case: Payload) -> None:
    """Nobody guesses: an event without the marks of a source is refused."""
    with pytest.raises(UnknownEvent):
        select(case.event, BUILT_IN)


@pytest.mark.parametrize(("event", "seen"), [({"nested": 1, "name": 2}, "nested"), ({}, "empty"), ([], "list")])
def test_the_refusal_says_what_came_and_what_was_expected(event: object, seen: str) -> None:
    """A developer who sent `{}` or a wrong document learns what to send instead."""
    with pytest.raises(UnknownEvent) as caught:
        select(event, BUILT_IN)

    assert seen in str(caught.value)
    assert all(name in str(caught.value) for name in NAMES)


def test_a_source_of_the_users_own_is_asked_first() -> None:
    """The order of the sources is the order in which they are asked."""

    class Mine:
        name = "mine"
        streams = False

        def matches(self, event: dict[str, object]) -> bool:
            return "rawPath" in event

    mine = Mine()
    sources: Any = (mine, *BUILT_IN)  # it has no more than is asked of it here
    chosen = select(payload("function-url", "get_root").event, sources)

    assert chosen is mine


def test_every_source_has_payloads() -> None:
    """A source without a payload file is a source that nobody has seen work."""
    assert {case.source for case in payloads(*NAMES)} == NAMES


def test_the_sources_that_can_stream_are_the_ones_aws_streams() -> None:
    """Lambda streams to Function URLs and REST APIs only."""
    assert {source.name for source in BUILT_IN if source.streams} == {"function-url", "rest"}
