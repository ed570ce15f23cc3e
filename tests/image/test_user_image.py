"""A user's three-line image: `docker run -p`, an event, an answer, and every way in which that can go wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.containers import Starter

LIMIT = 6_291_556
"""Bytes of a buffered answer's JSON that Lambda takes."""


def test_event_is_answered(start: Starter, user_image: str) -> None:
    """`docker run -p 9000:8080` and one call are all that it takes."""
    envelope = start(user_image).invoke("/").json()
    assert envelope["statusCode"] == 200
    assert envelope["headers"]["content-type"] == "application/json"


def test_streamed_answer_has_prelude_and_body(start: Starter, user_image: str) -> None:
    """In streaming mode the emulator hands on what the runtime streamed, collected."""
    container = start(user_image, environment={"EVERLOOP_RESPONSE_MODE": "streaming"})
    prelude, body = container.invoke("/large", "bytes=100000").streamed()
    assert prelude == {"statusCode": 200, "headers": {"content-type": "text/plain"}}
    assert body == b"x" * 100_000


def test_container_serves_one_event_after_another(start: Starter, user_image: str) -> None:
    """The process stays between two events."""
    container = start(user_image)
    assert [container.invoke("/large", f"bytes={size}").json()["body"] for size in (1, 2, 3)] == ["x", "xx", "xxx"]


def test_response_over_the_limit_is_an_error_and_the_next_one_is_not(start: Starter, user_image: str) -> None:
    """Lambda takes 6 MB; what is larger fails with the name that Lambda gives it, and costs nothing else."""
    container = start(user_image)
    answer = container.invoke("/large", f"bytes={LIMIT}").json()
    assert answer["errorType"] == "Function.ResponseSizeTooLarge"
    assert f"{LIMIT:,}" in answer["errorMessage"]
    assert container.invoke("/large", "bytes=1").json()["body"] == "x"


@pytest.mark.parametrize(
    ("handler", "error_type"),
    [("nowhere:app", "Runtime.ImportModuleError"), ("main:nothing", "Runtime.HandlerNotFound")],
)
def test_wrong_handler_is_an_init_error_that_names_it(
    start: Starter, user_image: str, handler: str, error_type: str
) -> None:
    """The caller reads what is wrong with the CMD."""
    answer = start(user_image, [handler]).invoke("/")
    assert answer.status == 502
    assert answer.json()["errorType"] == error_type
    assert handler in answer.json()["errorMessage"]


@pytest.mark.parametrize("command", [[], ["main:app", "main:other"]])
def test_anything_but_one_handler_ends_with_a_message(start: Starter, everloop_image: str, command: list[str]) -> None:
    """A forgotten CMD is told at once, in words that show the remedy."""
    container = start(everloop_image, command)
    assert container.exit_code() == 142
    assert 'CMD ["main:app"]' in container.log


def test_application_finds_what_aws_base_images_promise(start: Starter, user_image: str) -> None:
    """The environment, the working directory and the interpreter are those that programs on Lambda rely on."""
    surroundings = json.loads(start(user_image).invoke("/").json()["body"])
    environment = surroundings["environment"]
    assert surroundings["cwd"] == "/var/task"
    assert environment["LAMBDA_TASK_ROOT"] == "/var/task"
    assert environment["LAMBDA_RUNTIME_DIR"] == "/var/runtime"
    assert environment["_HANDLER"] == "main:app"
    assert environment["LANG"] == "C.UTF-8"
    assert environment["TZ"] == ":UTC"
    assert "/opt/bin" in environment["PATH"].split(":")


def test_lambda_s_restrictions_are_enough(start: Starter, user_image: str) -> None:
    """It runs on a read-only disk, without privileges, as a user that owns nothing."""
    container = start(
        user_image,
        read_only=True,
        tmpfs={"/tmp": ""},  # noqa: S108 - the one place that Lambda lets a function write to
        cap_drop=["ALL"],
        user="993:990",
    )
    surroundings = json.loads(container.invoke("/").json()["body"])
    assert surroundings["uid"] == 993
    assert surroundings["writable"] == ["/tmp"]  # noqa: S108


def test_handler_reaches_the_runtime_in_managed_instances_mode(start: Starter, user_image: str) -> None:
    """There the emulator starts the bootstrap itself, without arguments and as a user of its own."""
    container = start(user_image, environment={"AWS_LAMBDA_MAX_CONCURRENCY": "1"})
    answers = []

    def served(path: str, query: str = "") -> bool:
        """Tell whether the runtime polls already; until then the emulator turns events away."""
        answers.append(container.invoke(path, query))
        return answers[-1].status == 200

    container.wait_until(lambda: served("/"), "an answer")
    surroundings = json.loads(answers[-1].json()["body"])
    assert surroundings["uid"] == 993
    assert surroundings["environment"]["_HANDLER"] == "main:app"
    container.wait_until(lambda: served("/large", "bytes=3"), "another answer")
    assert answers[-1].json()["body"] == "xxx"


def test_runtime_api_out_of_reach_ends_the_process(start: Starter, user_image: str) -> None:
    """Where AWS_LAMBDA_RUNTIME_API is set there is no emulator, and a wrong address is told and not waited for."""
    container = start(user_image, environment={"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9"})
    assert container.exit_code() == 1
    assert "cannot be connected to" in container.log


@pytest.mark.parametrize("environment", [{}, {"AWS_LAMBDA_MAX_CONCURRENCY": "1"}], ids=["classic", "managed"])
def test_docker_stop_ends_it_at_once(start: Starter, user_image: str, environment: dict[str, str]) -> None:
    """The signal arrives: the lifespan's shutdown runs, and Docker never waits for its time-out."""
    container = start(user_image, environment=environment)
    container.wait_until(lambda: container.invoke("/").status == 200, "an answer")
    assert container.stop() < 5
    assert container.exit_code() == 0
    assert container.log.count("lifespan startup") == 1
    assert container.log.count("lifespan shutdown") == 1
