"""Which signals ask the command for its end."""

import signal


def stop_signals() -> tuple[signal.Signals, ...]:
    """Give them; without SIGHUP where it is ignored already: `nohup` lets a command outlive its terminal."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return signal.SIGINT, signal.SIGTERM
    return signal.SIGINT, signal.SIGTERM, signal.SIGHUP
