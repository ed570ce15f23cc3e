"""What is streamed: 200 MiB in messages of 64 KiB, the first with the time at which it was made."""

import time

MESSAGE = b"x" * (64 * 1024)
COUNT = 200 * 1024 * 1024 // len(MESSAGE)


def first_message() -> bytes:
    return (b"sent-at=%d;" % time.monotonic_ns()).ljust(len(MESSAGE), b"x")
