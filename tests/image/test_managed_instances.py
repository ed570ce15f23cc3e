"""Managed Instances in the built image, under AWS's emulator: many invocations at a time, in one process or a few."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from support.containers import Container, Starter

SLOTS = 64


def managed(start: Starter, image: str, **environment: str) -> Container:
    """Start a container and wait until it serves; the emulator turns events away before that."""
    container = start(image, environment={"AWS_LAMBDA_MAX_CONCURRENCY": str(SLOTS), **environment})
    container.wait_until(lambda: container.invoke("/").status == 200, "an answer")
    return container


def sleep(container: Container, number: int, seconds: float) -> dict[str, Any]:
    answer = container.invoke("/sleep", f"seconds={seconds}&mark={number}")
    assert answer.status == 200, answer.content
    seen: dict[str, Any] = json.loads(answer.json()["body"])
    return seen


def test_sixty_four_sleeps_of_a_second_take_about_a_second(start: Starter, user_image: str) -> None:
    """One process serves all of them at once, and every one sees its own context."""
    container = managed(start, user_image)
    with ThreadPoolExecutor(SLOTS) as pool:
        list(pool.map(lambda number: sleep(container, number, 0.01), range(SLOTS)))  # the callers' threads are started
        began = time.monotonic()
        seen = list(pool.map(lambda number: sleep(container, number, 1), range(SLOTS)))
        took = time.monotonic() - began
    assert [one["mark"] for one in seen] == [str(number) for number in range(SLOTS)]
    assert len({one["request_id"] for one in seen}) == SLOTS
    assert len({one["pid"] for one in seen}) == 1
    assert 1 <= took < 2.5  # a second, and what the emulator and a busy machine add


def test_slots_are_free_again_as_soon_as_they_have_answered(start: Starter, user_image: str) -> None:
    """The emulator has no queue: a slot that polls late would show as Runtime.Unavailable."""
    container = managed(start, user_image)
    with ThreadPoolExecutor(SLOTS // 2) as pool:
        seen = list(pool.map(lambda number: sleep(container, number, 0.005), range(1_000)))
    assert [one["mark"] for one in seen] == [str(number) for number in range(1_000)]


def test_workers_share_the_slots(start: Starter, user_image: str) -> None:
    """The bootstrap that Lambda starts imports once and forks."""
    container = managed(start, user_image, EVERLOOP_WORKERS="2")
    with ThreadPoolExecutor(SLOTS) as pool:
        seen = list(pool.map(lambda number: sleep(container, number, 0.3), range(SLOTS)))
    assert len({one["pid"] for one in seen}) == 2
    assert container.stop() < 5
    assert container.exit_code() == 0


def test_lines_of_any_length_stop_nobody(start: Starter, user_image: str) -> None:
    """The emulator reads no line over 64 KiB, and nothing more after one: the process would stand on a full pipe."""
    container = managed(start, user_image)
    for _ in range(5):
        assert container.invoke("/log", "bytes=300000").json()["body"] == "logged"
    container.wait_until(lambda: container.log.count('"part": "34/34"') == 5, "all parts in the log")
    container.wait_until(lambda: container.log.count("y" * 60_000) == 2 * 5 * 5, "all that was printed in the log")


def test_a_worker_that_dies_ends_the_environment(start: Starter, user_image: str) -> None:
    """Lambda replaces it; the log says why."""
    container = managed(start, user_image, EVERLOOP_WORKERS="2")
    assert container.invoke("/die").json()["errorType"] == "Runtime.ExitError"
    assert container.exit_code() == 1
    assert "died (SIGKILL" in container.log
