"""What is streamed: 200 MiB in messages of 64 KiB by default, the first with the time at which it was made."""

import ctypes
import os
import time

MESSAGE = b"x" * int(os.environ.get("BENCH_MESSAGE", 64 * 1024))
COUNT = int(os.environ.get("BENCH_COUNT", 200 * 1024 * 1024 // len(MESSAGE)))

STAMP = b"sent-at=%019d;"
_FIRST = (STAMP % 0).ljust(len(MESSAGE), b"x")
_ADDRESS = ctypes.cast(ctypes.c_char_p(_FIRST), ctypes.c_void_p).value or 0


def first_message() -> bytes:
    """Give the first message, with the time of this call.

    It is written into the one that lies there: making a message of 1 MiB takes longer than sending its first byte, and
    what is to be measured begins when the application has its message.
    """
    stamp = STAMP % time.monotonic_ns()
    ctypes.memmove(_ADDRESS, stamp, len(stamp))
    return _FIRST
