"""Configures logging in the way of LOGGING, as users do when their module is imported."""

import logging
import logging.config
import os
import sys
from typing import Any

from messages import body, no_lifespan, start

HOW = os.environ.get("LOGGING", "")
PLAIN = {"plain": {"format": "PLAIN %(levelname)s %(name)s: %(message)s"}}
TO_STDOUT = {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stdout"}

say: Any = None

if HOW == "dictConfig":
    # disable_existing_loggers is True by default: everloop's own loggers must survive it.
    logging.config.dictConfig(
        {
            "version": 1,
            "formatters": PLAIN,
            "handlers": {"out": TO_STDOUT},
            "root": {"level": "INFO", "handlers": ["out"]},
        }
    )
elif HOW == "uvicorn":
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": PLAIN,
            "handlers": {"out": TO_STDOUT},
            "loggers": {"shop": {"handlers": ["out"], "level": "INFO", "propagate": False}},
        }
    )
elif HOW == "basicConfig":
    logging.basicConfig(level=logging.INFO, format="PLAIN %(message)s")  # does nothing: the root has a handler
    logging.getLogger().setLevel(logging.INFO)
elif HOW == "force":
    logging.basicConfig(level=logging.INFO, format="PLAIN %(levelname)s %(name)s: %(message)s", force=True)
elif HOW == "structlog":
    import structlog

    say = structlog.get_logger("shop").info
elif HOW == "structlog-stdlib":
    import structlog

    structlog.configure(
        processors=[structlog.stdlib.add_log_level, structlog.processors.JSONRenderer()],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    logging.getLogger().setLevel(logging.INFO)
    say = structlog.get_logger("shop").info
elif HOW == "loguru":
    import loguru

    loguru.logger.remove()
    loguru.logger.add(sys.stdout, format="PLAIN {level} {name}: {message}")
    say = loguru.logger.info
elif HOW == "powertools":
    from aws_lambda_powertools import Logger

    say = Logger(service="shop", level="INFO").info
elif HOW == "filter":
    import everloop

    def with_request_id(record: logging.LogRecord) -> bool:
        invocation = everloop.current_invocation()
        record.request_id = "-" if invocation is None else invocation.request_id
        return True

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("PLAIN %(request_id)s %(message)s"))
    handler.addFilter(with_request_id)
    logging.getLogger("shop").addHandler(handler)
    logging.getLogger("shop").propagate = False
    logging.getLogger("shop").setLevel(logging.INFO)


if say is None:
    say = logging.getLogger("shop").info  # after dictConfig(), which disables loggers that were there before


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Says something; `/raise` raises."""
    await no_lifespan(scope)
    say("order taken")
    if scope["path"] == "/raise":
        raise ValueError("out of stock")
    await send(start())
    await send(body(b"said"))
