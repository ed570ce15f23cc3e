"""OpenTelemetry and Sentry by the recipes of docs/observability.md: flushed before the next poll."""

import json
import re

import pytest

from support.emulated import Emulated
from support.environment import Launcher
from support.sample_events import function_url

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
W3C = {"Lambda-Runtime-Client-Context": json.dumps({"w3c": {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"}})}


@pytest.mark.parametrize(
    ("path", "spans"),
    [
        ("/", ["work", "GET_/"]),
        ("/stream", ["work", "between", "GET_/stream"]),
        ("/background", ["work", "receipt", "GET_/background"]),
    ],
)
@pytest.mark.parametrize("mode", ["buffered", "streaming"])
def test_spans_are_exported_before_the_next_poll(launch: Launcher, mode: str, path: str, spans: list[str]) -> None:
    """Those of the application, of the stream and of background work, in the caller's trace."""
    env = launch("traced:app", {"EVERLOOP_RESPONSE_MODE": mode})
    exchange = env.invoke(function_url(path), headers=W3C)
    exchange.wait()
    env.api.wait_for_poll()
    env.process.wait_for_log(f"exported {spans[-1]} of {TRACE_ID} under {PARENT_ID}")
    # Nothing but the hook's flush exports within the hour, and the next poll comes after the hook.
    assert set(spans) <= set(re.findall(rf"exported (\S+) of {TRACE_ID}", env.process.log))


def test_the_lambda_instrumentation_works_unchanged(launch: Launcher) -> None:
    """It finds the handler by `_HANDLER`, which everloop sets, and continues the trace of the X-Ray variable."""
    env = launch("traced.handler", {"INSTRUMENT": "1", "OTEL_PROPAGATORS": "xray"})
    assert env.answers({}) == "handled"
    env.process.wait_for_log(r"exported under-test of ")
    env.process.wait_for_log("exported work of ")


def test_sentry_has_sent_before_the_environment_freezes() -> None:
    """Under everloop's emulator, which stops the process once it polls: a thread alone would stand still."""
    with Emulated("reported:app", freeze=True) as emulated:
        assert emulated.invoke(function_url("/raise"))["statusCode"] == 500
        emulated.until(lambda: emulated.log.count("sentry got LookupError") == 1, "the report")
