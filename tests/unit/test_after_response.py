"""What `everloop.after_response()` takes."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import pytest

import everloop
from everloop.after_response import hooks


def generator() -> Iterator[None]:
    yield


async def async_generator() -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize("function", [generator, async_generator, partial(generator)])
@pytest.mark.parametrize("how", [{}, {"timeout": 2}])
def test_generator_functions_are_refused(function: Any, how: dict[str, Any]) -> None:
    """Calling one does nothing: it would be registered, and never run."""
    with pytest.raises(TypeError, match=r"a generator function, .* expected a function or an async function"):
        everloop.after_response(**how)(function) if how else everloop.after_response(function)

    assert hooks == []
