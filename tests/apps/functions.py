"""Plain handlers that AWS's client and everloop must treat alike."""

import asyncio
import datetime as dt
import decimal
import logging
import os
import signal
import sys
import threading
import time
from typing import Any


class ShopClosed(Exception):
    pass


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


RESULTS: dict[str, Any] = {
    "none": None,
    "object": {"a": 1, "b": [1, 2.5, "x", None, True]},
    "text": "plain",
    "not ascii": {"name": "Zoë ☃ 𝄞"},
    "decimal": {"price": decimal.Decimal("12.340"), "none": decimal.Decimal("NaN")},
    "nan": [float("nan"), float("inf"), -float("inf")],
    "bytes": b"\x00\xffraw",
    "tuple": (1, (2, 3)),
    "keys": {1: "one", None: "none", False: "false"},
    "big": 2**80,
    "empty": {},
    "escapes": '</script>\u2028"\\\n',
}


def result(event: Any, context: Any) -> Any:
    return RESULTS[event["name"]]


def unserialisable(event: Any, context: Any) -> Any:
    return {"set": {1, 2}, "when": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}


def _deeper(message: str) -> None:
    raise ShopClosed(message)


def raises(event: Any, context: Any) -> None:
    _deeper(event.get("message", "closed"))


def raises_from(event: Any, context: Any) -> None:
    try:
        _deeper("inner")
    except ShopClosed as error:
        raise KeyError("outer") from error


def raises_nothing(event: Any, context: Any) -> None:
    raise ShopClosed


def echo(event: Any, context: Any) -> Any:
    return event


def show_context(event: Any, context: Any) -> Any:
    names = [
        "aws_request_id",
        "function_name",
        "function_version",
        "invoked_function_arn",
        "log_group_name",
        "log_stream_name",
        "memory_limit_in_mb",
        "tenant_id",
    ]
    client = context.client_context
    return {
        **{name: getattr(context, name) for name in names},
        "class": f"{type(context).__module__}.{type(context).__qualname__}",
        "attributes": list(vars(context)),
        "client": None if client is None else [client.custom, client.env, client.client and client.client.app_title],
        "identity": [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],
        "w3c": context.w3c(),
        "in time": 0 < context.get_remaining_time_in_millis() <= 10_000,
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
    }


def runs_a_loop(event: Any, context: Any) -> Any:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    return asyncio.run(answer())


def shows_thread(event: Any, context: Any) -> bool:
    """Whether it is the main one. A signal's handler may be set there, and runs."""
    if threading.current_thread() is not threading.main_thread():
        return False
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    for _ in range(1000):
        if rung:
            break
        time.sleep(0.01)
    signal.signal(signal.SIGALRM, before)
    return rung == [signal.SIGALRM]


everybody = threading.Barrier(int(os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY", "1")))


def meets_the_others(event: Any, context: Any) -> str:
    """Returns when there is one in every slot."""
    everybody.wait(10)
    return threading.current_thread().name


def exits(event: Any, context: Any) -> None:
    sys.exit(event["code"])


def logs(event: Any, context: Any) -> None:
    root = logging.getLogger()
    root.handlers[0].setFormatter(logging.Formatter("%(levelname)s %(aws_request_id)s %(message)s\n"))
    root.warning("said")


def logs_zone(event: Any, context: Any) -> None:
    root = logging.getLogger()
    root.handlers[0].setFormatter(logging.Formatter("said in %(asctime)s\n", "%Z"))
    root.warning("said")


def logs_all(event: Any, context: Any) -> None:
    """Records of every level, with arguments, extras, line breaks and a traceback."""
    logger = logging.getLogger("shop")
    print("printed")
    logger.debug("too low")
    logger.info("sold %s of %d", "tea", 3)
    logger.warning("two\nlines", extra={"shelf": 7})
    try:
        raise ShopClosed("naïve")
    except ShopClosed:
        logger.exception("caught one")
    logging.getLogger().error("at the root")


def logs_lines(event: Any, context: Any) -> None:
    """Records of one line each."""
    print("printed")
    logger = logging.getLogger("shop")
    logger.debug("too low")
    logger.info("sold %s of %d", "tea", 3)
    logger.warning("naïve", extra={"shelf": 7})
    logging.getLogger().error("at the root")
