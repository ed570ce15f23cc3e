"""What an environment's process is started as: its command, and its environment variables as on Lambda."""

import os
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import everloop
from everloop.dev.config import FunctionConfig

IMAGE_BOOTSTRAP = Path("/var/runtime/bootstrap")

CONFUSING = (
    "AWS_LAMBDA_",
    "LAMBDA_",
    "_LAMBDA_",
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_EXECUTION_ENV",
    "NOTIFY_SOCKET",
    "LISTEN_",
)
"""Beginnings of names that are not inherited: they speak of another function, or to this process alone."""

CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)
"""Any of them means that the user has credentials."""

OF_ONE_KIND = ("AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME")
"""Reserved names that Lambda does not set for every kind of function: where it does not, they are not there."""

DUMMY_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "everloop-dev",
    "AWS_SECRET_ACCESS_KEY": "everloop-dev",
    "AWS_SESSION_TOKEN": "everloop-dev",
}


def command(config: FunctionConfig) -> tuple[str, ...]:
    """Give the command that starts the runtime: what Lambda would run, where that is here."""
    if config.command:
        return config.command
    checkout = Path(everloop.__file__).parents[2]
    for bootstrap in (checkout / "bootstrap", IMAGE_BOOTSTRAP):
        if os.access(bootstrap, os.X_OK):
            return (str(bootstrap), config.handler)
    return (sys.executable, "-m", "everloop", config.handler)


def variables(config: FunctionConfig, api: str, token: str, inherited: Mapping[str, str]) -> dict[str, str]:
    """Give the environment variables: the user's own, what Lambda sets over them, the function's own over both.

    What Lambda reserves cannot be set by the function. `api` is the Runtime API's address, `token` the metadata's.
    """
    found = {name: value for name, value in inherited.items() if not name.startswith(CONFUSING)}
    found["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), found.get("PATH", os.defpath)])
    found["TZ"] = ":UTC"
    found["EVERLOOP_RESPONSE_MODE"] = "streaming" if config.streaming else "buffered"
    found["AWS_XRAY_CONTEXT_MISSING"] = "LOG_ERROR"
    found["AWS_XRAY_DAEMON_ADDRESS"] = "127.0.0.1:2000"
    found["AWS_LAMBDA_LOG_FORMAT"] = "Text" if config.max_concurrency is None else "JSON"
    if not _has_credentials({**inherited, **config.environ}):
        found |= DUMMY_CREDENTIALS
    own = {name: value for name, value in config.environ.items() if name not in OF_ONE_KIND}
    return found | own | _reserved(config, api, token)


def _reserved(config: FunctionConfig, api: str, token: str) -> dict[str, str]:
    reserved = {
        "_HANDLER": config.handler,
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_LAMBDA_METADATA_API": api,
        "AWS_LAMBDA_METADATA_TOKEN": token,
        "AWS_REGION": config.region,
        "AWS_DEFAULT_REGION": config.region,
        "AWS_LAMBDA_FUNCTION_NAME": config.name,
        "AWS_LAMBDA_FUNCTION_VERSION": config.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.memory),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": str(config.task_root),
    }
    if config.max_concurrency is not None:
        reserved["AWS_LAMBDA_INITIALIZATION_TYPE"] = "lambda-managed-instances"
        reserved["AWS_LAMBDA_MAX_CONCURRENCY"] = str(config.max_concurrency)
    if config.snapstart:
        reserved["AWS_LAMBDA_INITIALIZATION_TYPE"] = "snap-start"
    else:  # a snapshot does not know yet where it will log
        stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{config.version}]{uuid.uuid4().hex}"
        reserved["AWS_LAMBDA_LOG_GROUP_NAME"] = f"/aws/lambda/{config.name}"
        reserved["AWS_LAMBDA_LOG_STREAM_NAME"] = stream
    return reserved


def _has_credentials(environ: Mapping[str, str]) -> bool:
    if any(environ.get(name) for name in CREDENTIALS):
        return True
    home = Path(environ.get("HOME", "/nonexistent"))
    files = (environ.get("AWS_SHARED_CREDENTIALS_FILE"), environ.get("AWS_CONFIG_FILE"))
    places = [Path(name) for name in files if name] + [home / ".aws" / "credentials", home / ".aws" / "config"]
    return any(place.is_file() for place in places)
