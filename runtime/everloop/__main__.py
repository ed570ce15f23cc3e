"""The process entry: environment → settings → logging → runtime → exit code. Nobody else reads `os.environ`."""

import asyncio
import logging
import os
import sys

from everloop import logs
from everloop.api.client import RuntimeApiClient
from everloop.errors import InvalidSettings
from everloop.runtime import USER_AGENT, report_init_error, run
from everloop.setting_values import is_address
from everloop.settings import LogFormat, Settings
from everloop.startup import Timeline
from everloop.unwritten import watch_output


def main() -> int:
    """Run `bootstrap`; give the exit code."""
    timeline = Timeline()
    timeline.mark("import of everloop")
    environ = os.environ
    try:
        settings = Settings.from_environ(environ, sys.argv[1:])
    except InvalidSettings as error:
        logs.configure(as_json=environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON", level=None)
        return settings_failed(error, environ.get("AWS_LAMBDA_RUNTIME_API"))
    # Managed Instances: records of several invocations interleave, and Lambda tells them apart by their JSON.
    managed = settings.max_concurrency is not None
    as_json = settings.log_format is LogFormat.JSON or managed
    limited = managed and settings.telemetry is None  # a frame may have any length
    logs.configure(as_json=as_json, level=settings.log_level, telemetry=settings.telemetry, limited=limited)
    watch_output()
    if settings.handler:
        environ.setdefault("_HANDLER", settings.handler)  # Lambda's own name for it, which instrumentations look for
    environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)  # a child would write text where Lambda expects frames
    for warning in settings.unknown:
        logging.getLogger("everloop").warning(warning)
    sys.path.insert(0, settings.task_root or os.path.abspath("."))  # noqa: PTH100 - pathlib costs a cold start 3 ms
    try:
        if settings.workers != 1:
            from everloop import workers  # nobody else pays for it

            if (count := workers.count(settings)) > 1:
                return workers.run(settings, os.environb, count)
        return run(settings, os.environb, timeline)
    except InvalidSettings as error:
        return settings_failed(error, settings.runtime_api)


def settings_failed(error: InvalidSettings, runtime_api: str | None) -> int:
    """Say what is wrong with the settings, to Lambda where there is one."""
    if runtime_api and is_address(runtime_api):
        asyncio.run(report_init_error(RuntimeApiClient(runtime_api, USER_AGENT), error))
    else:
        sys.stderr.write(f"everloop: {error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
