"""Which signals end the command."""

import signal

import pytest

from everloop.dev.stop_signals import stop_signals


@pytest.mark.parametrize(("handler", "heard"), [(signal.SIG_DFL, True), (signal.SIG_IGN, False)])
def test_a_hangup_counts_unless_it_is_ignored_already(handler: signal.Handlers, *, heard: bool) -> None:
    """`nohup everloop dev` outlives its terminal; the other two always end it."""
    before = signal.signal(signal.SIGHUP, handler)
    try:
        found = stop_signals()
    finally:
        signal.signal(signal.SIGHUP, before)

    assert (signal.SIGHUP in found) is heard
    assert {signal.SIGINT, signal.SIGTERM} <= set(found)
