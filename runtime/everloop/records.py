"""Log records that know whose they are, and what failed, also where another thread writes them."""

import logging
from typing import Any

from everloop.invocation import Invocation, current, current_invocation


class Ids:
    """What a record says of its invocation. Not the invocation itself: a queue would keep its event alive."""

    __slots__ = ("request_id", "tenant_id", "trace_id")

    def __init__(self, invocation: Invocation) -> None:
        self.request_id = invocation.request_id
        self.tenant_id = invocation.tenant_id
        self.trace_id = invocation.trace_id


class Failure:
    """What Lambda is told of a failure, and what led to it: everloop's own exceptions wrap the user's."""

    __slots__ = ("causes", "error_type", "message", "stack")

    def __init__(self, error_type: str, message: str, stack: list[str], causes: list[dict[str, Any]]) -> None:
        self.error_type = error_type
        self.message = message
        self.stack = stack
        self.causes = causes


class Record(logging.LogRecord):
    """What `logging` makes. A copy says whose it is: `QueueHandler` makes one before another thread takes it.

    Saying it in every record would cost each of them, and show it to formatters that write whatever a record has.
    """

    def __copy__(self) -> "MarkedRecord":
        return MarkedRecord.of(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # As one of the standard library's: who reads it may not have everloop.
        return logging.makeLogRecord, (self.__dict__,)


class MarkedRecord(Record):
    """A record that says whose it is, and what failed. In slots, which formatters of the user's own do not see."""

    __slots__ = ("failure", "ids")

    ids: Ids | None
    failure: Failure | None

    @classmethod
    def of(cls, record: logging.LogRecord, failure: Failure | None = None) -> "MarkedRecord":
        """Copy a record; it is of the invocation that the caller belongs to, unless it says so itself."""
        marked = cls.__new__(cls)
        marked.__dict__.update(record.__dict__)
        whose = ids_of(record)
        marked.ids = Ids(whose) if isinstance(whose, Invocation) else whose
        marked.failure = record.failure if isinstance(record, MarkedRecord) else failure
        return marked


def ids_of(record: logging.LogRecord) -> Invocation | Ids | None:
    """Give what has the ids of the invocation that a record belongs to."""
    if type(record) is MarkedRecord:
        return record.ids
    invocation = current.get()
    return current_invocation() if invocation is None else invocation


def failure_of(record: logging.LogRecord | None) -> Failure | None:
    """Give what a record says of a failure."""
    return record.failure if type(record) is MarkedRecord else None
