"""Whom the warning of a blocked loop names."""

import sys
from types import FrameType
from typing import Any

from everloop.stalls import is_crowded_out, is_waiting, responsible


class Frame:
    """As much of a frame as is looked at."""

    def __init__(self, filename: str, back: "Frame | None" = None) -> None:
        self.f_code = type("Code", (), {"co_filename": filename})
        self.f_back = back


def named(*filenames: str) -> str:
    """The file that is named for a stack, innermost first."""
    frame: Any = None
    for filename in reversed(filenames):
        frame = Frame(filename, frame)
    return responsible(frame).f_code.co_filename


STDLIB = sys.modules["threading"].__file__ or ""
PACKAGE = "/usr/lib/python3/site-packages/requests/api.py"
USER = "/var/task/main.py"


def test_the_users_function_is_named_and_not_the_library_that_it_calls() -> None:
    """Somebody has to find the line in their own code."""
    assert named(USER) == USER
    assert named(STDLIB, PACKAGE, USER, PACKAGE) == USER
    assert named("<frozen importlib._bootstrap>", USER) == USER


def test_the_innermost_is_named_where_no_frame_is_the_users() -> None:
    """Better a library's name than none."""
    assert named(PACKAGE, STDLIB) == PACKAGE


def test_a_loop_that_waits_is_told_from_one_that_works() -> None:
    """asyncio's loop waits in select; uvloop's is C, so that everloop's own call of it is the innermost frame."""

    def frame(filename: str) -> FrameType:
        found: Any = Frame(filename)
        return found  # type: ignore[no-any-return]

    assert is_waiting(frame("/usr/lib/python3.13/selectors.py"))
    assert is_waiting(frame("/var/task/everloop/runtime.py"))
    assert not is_waiting(frame(USER))


def test_a_loop_that_is_crowded_out_is_told_from_one_that_blocks() -> None:
    """By who has computed meanwhile, in a tenth of a second."""
    assert is_crowded_out(0.004, 0.1)
    assert not is_crowded_out(0.1, 0.1)
    assert not is_crowded_out(0.0, 0.001)
    assert not is_crowded_out(0.1, 0.19)  # another thread computes without the lock, in C
