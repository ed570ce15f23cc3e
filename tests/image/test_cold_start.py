"""How long a container takes from its start to its first answer: printed, beside what it is compared with.

Judged with wide margins: other work on the machine shall not fail it. The order of rounds takes turns.
"""

from __future__ import annotations

import re
import shutil
import statistics
import time
from typing import TYPE_CHECKING, Any

import pytest

from support.containers import ROOT
from support.images import IMAGE_TESTS, THREE_LINES, build

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.containers import Starter

ROUNDS = 5
MODULES = 60
LAMBDA: dict[str, Any] = {"read_only": True, "tmpfs": {"/tmp": ""}, "user": "993:990"}  # noqa: S108

# The same base with the same emulator and the same bytecode of the standard library.
MANGUM = """FROM {base}
COPY requirements.txt /tmp/
RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt
COPY . .
RUN python3 -m everloop.compile
ENTRYPOINT ["/usr/local/bin/aws-lambda-rie", "python3", "-m", "awslambdaric"]
CMD ["mangum_main.handler"]
"""
MANGUM_MAIN = "from mangum import Mangum\n\nfrom main import app\n\nhandler = Mangum(app, lifespan='auto')\n"


def pinned(*names: str) -> str:
    """Take some requirements, with their hashes, out of the tests' pins."""
    text = (ROOT / "requirements" / "test.txt").read_text(encoding="utf-8")
    return "".join(re.findall(rf"^(?:{'|'.join(names)})==(?:.*\\\n)+.*\n", text, re.MULTILINE))


@pytest.fixture(scope="session")
def mangum_image(engine: Any, everloop_image: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The user's application under AWS's client and Mangum."""
    folder = tmp_path_factory.mktemp("mangum")
    shutil.copy(IMAGE_TESTS / "user" / "main.py", folder)
    (folder / "mangum_main.py").write_text(MANGUM_MAIN, encoding="utf-8")
    (folder / "requirements.txt").write_text(pinned("mangum", "typing-extensions"), encoding="utf-8")
    (folder / "Dockerfile").write_text(MANGUM.format(base=everloop_image), encoding="utf-8")
    return build(engine, "everloop-test-mangum", folder)


@pytest.fixture(scope="session")
def large_images(engine: Any, everloop_image: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """An application of many modules, as copied and compiled by the documented line."""
    folder = tmp_path_factory.mktemp("large")
    shutil.copy(IMAGE_TESTS / "user" / "main.py", folder / "served.py")
    names = [f"part_{number}" for number in range(MODULES)]
    source = "\n".join(
        f"def function_{number}(x):\n    return [x * {number} for _ in range(x)]\n" for number in range(60)
    )
    for name in names:
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    imports = "\n".join(f"import {name}" for name in ["served", *names])
    (folder / "main.py").write_text(f"{imports}\napp = served.app\n", encoding="utf-8")
    dockerfile = THREE_LINES.format(base=everloop_image)
    (folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    copied = build(engine, "everloop-test-copied", folder)
    (folder / "Dockerfile").write_text(f"{dockerfile}RUN python3 -m everloop.compile\n", encoding="utf-8")
    return copied, build(engine, "everloop-test-compiled", folder)


def first_answer(start: Starter, image: str) -> float:
    """Start a container as Lambda would; give the seconds until it has answered."""
    began = time.monotonic()
    container = start(image, **LAMBDA)
    assert container.invoke("/large", "bytes=2").status == 200
    return time.monotonic() - began


def compare(start: Starter, ours: str, theirs: str) -> tuple[float, float]:
    """Give the medians of both, in seconds, from rounds that take turns."""
    taken: dict[str, list[float]] = {ours: [], theirs: []}
    for number in range(ROUNDS):
        for image in (ours, theirs) if number % 2 else (theirs, ours):
            taken[image].append(first_answer(start, image))
    return statistics.median(taken[ours]), statistics.median(taken[theirs])


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a figure although the test passes."""

    def show(figure: str) -> None:
        with capsys.disabled():
            print(f"\n  {figure}")

    return show


def test_first_answer_comes_as_soon_as_under_aws_s_client(
    start: Starter, user_image: str, mangum_image: str, say: Callable[[str], None]
) -> None:
    """The same application in the same base; most of both is Docker, the emulator and Python itself."""
    ours, theirs = compare(start, user_image, mangum_image)
    say(f"container start to first answer: everloop {ours:.2f} s, Mangum {theirs:.2f} s, ratio {ours / theirs:.2f}")
    assert ours < 3 * theirs


def test_compiled_code_starts_sooner(start: Starter, large_images: tuple[str, str], say: Callable[[str], None]) -> None:
    """What the documented line of a Dockerfile saves at every cold start on a disk that cannot be written."""
    copied, compiled = large_images
    without, with_bytecode = compare(start, copied, compiled)
    say(f"{MODULES} modules: compiled {with_bytecode:.2f} s to first answer, as copied {without:.2f} s")
    assert with_bytecode < 2 * without
