"""From the end of start-up through a snapshot to the first poll: what a process started for SnapStart does there."""

import asyncio
import gc
import logging
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from everloop import snapshots
from everloop.api.client import RuntimeApiClient
from everloop.errors import RuntimeApiError
from everloop.failures import log_failure
from everloop.report import ErrorReport
from everloop.signals import StopRequested

logger = logging.getLogger("everloop")


class Passed(Enum):
    """How it went; anything else is an exit code."""

    RESTORED = auto()
    """The process was restored from a snapshot."""

    OFF = auto()
    """Snapshots are off, whatever AWS_LAMBDA_INITIALIZATION_TYPE says."""

    STOPPED = auto()
    """A signal came."""


def pass_snapshot(loop: asyncio.AbstractEventLoop, client: RuntimeApiClient, stopping: asyncio.Event) -> Passed | int:
    """Run the hooks before, wait to be restored, run the hooks after; give an exit code where that fails.

    No connection is open when the hooks before have run but the one that waits, and that one is not used again. The
    loop runs for hooks that are async and for the wait. How long the wait takes, by whichever clock, matters to nobody.
    """
    try:
        snapshots.run_before_snapshot(loop)
    except StopRequested:
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit, too: whatever a hook raises is reported
        _report(loop, error, snapshots.BEFORE_SNAPSHOT_ERROR, client.report_init_error)
        return snapshots.BEFORE_SNAPSHOT_EXIT
    gc.collect()  # what is garbage now would be in every restored process
    try:
        restored = loop.run_until_complete(_restored(client, stopping))
    except RuntimeApiError as error:
        logger.critical("The Runtime API does not restore, the process ends: %s", error)
        return 1
    if restored is not Passed.RESTORED:
        return restored
    logger.debug("Restored from a snapshot")
    try:
        snapshots.run_after_restore(loop)
    except StopRequested:
        raise
    except BaseException as error:  # noqa: BLE001 - as above
        _report(loop, error, snapshots.AFTER_RESTORE_ERROR, client.report_restore_error)
        return snapshots.AFTER_RESTORE_EXIT
    return restored


async def _restored(client: RuntimeApiClient, stopping: asyncio.Event) -> Passed:
    """Wait for the restore, or for the request to stop. Raises `RuntimeApiError`."""
    restore = asyncio.ensure_future(client.restore_next())
    stopped = asyncio.ensure_future(stopping.wait())
    await asyncio.wait((restore, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not restore.done():
        restore.cancel()
        await asyncio.wait((restore,))
        return Passed.STOPPED
    if restore.result():
        return Passed.RESTORED
    logger.info("AWS_LAMBDA_INITIALIZATION_TYPE is snap-start, but the Runtime API takes no snapshots: going on")
    return Passed.OFF


def _report(
    loop: asyncio.AbstractEventLoop, error: BaseException, kind: str, tell: Callable[[ErrorReport], Any]
) -> None:
    """Log the failure of a hook and tell Lambda: its own type in the body, the kind of failure in the header."""
    report = ErrorReport.of(error)
    report.header_type = kind
    log_failure(f"{kind}: {report.error_type}: {report.message}", error, report, level=logging.CRITICAL)
    try:
        loop.run_until_complete(tell(report))
    except RuntimeApiError as failure:
        logger.error("The Runtime API could not be told of it: %s", failure)
