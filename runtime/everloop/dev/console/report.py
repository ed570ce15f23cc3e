"""The REPORT line of an invocation, and the line that tells how far one has got."""

from everloop.dev.calls import Failure
from everloop.dev.console.problems import error_message
from everloop.dev.console.style import Style
from everloop.dev.gateway.problems import ADVICE
from everloop.dev.journal import Record


def report(record: Record, style: Style) -> str:
    """Give the line that is written when an invocation has ended: what Lambda's has, and what a web server's has."""
    parts = [
        f"{style('REPORT', 'bold')} #{record.number} {record.label or record.source}",
        _outcome(record, style),
        duration(record.duration),
    ]
    if record.first_byte_at is not None and record.started_at is not None:
        parts.append(f"first byte {duration(record.first_byte_at - record.started_at)}")
    parts.append(size(record.response_bytes) + (" streamed" if record.response_mode == "streaming" else ""))
    if record.memory_mb is not None:
        parts.append(f"{record.memory_mb:.0f} MB")
    if record.init_seconds is not None:
        parts.append(f"init {duration(record.init_seconds)}")
    if record.client_gone:
        parts.append(style("client gone", "yellow"))
    return "  ".join(parts)


def progress(record: Record, now: float, width: int, more: str = "") -> str:
    """Give the line of an invocation that is at work, in at most `width` columns: what it is called gives way."""
    begun = record.started_at or record.received_at
    told = f"  {size(record.response_bytes)}  {duration(now - begun)} …{more}"
    name = f"#{record.number} {record.label or record.source}"
    room = max(width - len(told), 0)
    return ((name if len(name) <= room else f"{name[: max(room - 1, 0)]}…") + told)[:width]


def _outcome(record: Record, style: Style) -> str:
    status = "" if record.status is None else f"{record.status} "
    if record.failure is not None:
        how = ""
        if record.failure == Failure.EXIT:  # a process that ends by itself has written nothing about it
            _, _, reason = error_message(record.error).partition(" Error: ")
            how = f": {reason.removeprefix('Runtime exited with error: ')}"
        return style(f"{status}{record.error_type or record.failure}{how}", "red")
    if record.error_type is not None:  # the function's answer was none for this front end
        why = error_message(record.error).removesuffix(f" {ADVICE}")
        return style(f"{status}{record.error_type}: {why}", "red")
    if record.status is None:
        return style("ok", "green")
    colour = {2: "green", 3: "cyan", 4: "yellow"}.get(record.status // 100, "red")
    return style(str(record.status), colour)


def duration(seconds: float | None) -> str:
    """Give seconds as people read them."""
    if seconds is None:
        return "–"  # noqa: RUF001 - nothing is known, and a hyphen would be a minus
    if seconds < 0.1:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def size(count: float) -> str:
    """Give bytes as people read them, in powers of 1000."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB"):
        count /= 1000
        if count < 999.5:
            return f"{count:.3g} {unit}"
    return f"{count / 1000:.3g} GB"
