"""Fails after something has turned `logging` off in the way of MUTED, at the time of WHEN."""

import io
import logging
import logging.config
import os
from typing import Any

from messages import body, start

TO_STDOUT = """
[loggers]
keys=root
[handlers]
keys=out
[formatters]
keys=
[logger_root]
handlers=out
level=ERROR
[handler_out]
class=StreamHandler
args=(sys.stdout,)
"""


def mute(when: str) -> None:
    if os.environ.get("WHEN", "call") != when:
        return
    how = os.environ.get("MUTED", "")
    if how == "dictConfig":
        logging.config.dictConfig({"version": 1})  # which disables the loggers that are there
    elif how == "no handlers":
        logging.config.dictConfig({"version": 1, "root": {"level": "INFO"}})  # which removes those of the root
    elif how == "fileConfig":
        logging.config.fileConfig(io.StringIO(TO_STDOUT))  # this, too
    elif how == "disable":
        logging.disable(logging.CRITICAL)
    elif how == "by name":
        logging.getLogger("everloop").setLevel(logging.CRITICAL + 1)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Raises, but for `/`."""
    if scope["type"] == "lifespan":
        await receive()
        mute("lifespan")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    mute("call")
    logging.getLogger("shop").error("the user's own")
    if scope["path"] != "/":
        raise ValueError("out of stock")
    await send(start())
    await send(body(b"sold"))


def function(event: Any, context: Any) -> None:
    mute("call")
    logging.getLogger("shop").error("the user's own")
    raise ValueError("out of stock")


def wsgi(environ: Any, start_response: Any) -> Any:
    mute("call")
    raise ValueError("out of stock")
