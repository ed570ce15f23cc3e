"""What is streamed: 200 MiB in messages of 64 KiB by default, the first with the time at which it was made."""

import os
import time

MESSAGE = b"x" * int(os.environ.get("BENCH_MESSAGE", 64 * 1024))
COUNT = int(os.environ.get("BENCH_COUNT", 200 * 1024 * 1024 // len(MESSAGE)))


def first_message() -> bytes:
    return (b"sent-at=%d;" % time.monotonic_ns()).ljust(len(MESSAGE), b"x")
