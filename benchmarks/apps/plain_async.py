"""The plain handler as a coroutine, which AWS's client cannot call."""

from typing import Any

from benchmarks.apps.plain import handler as answer


async def handler(event: Any, context: Any) -> dict[str, Any]:
    return answer(event, context)
