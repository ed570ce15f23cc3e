"""What the runtime asks of every kind of handler."""

from typing import Protocol

from everloop.api.reply import Reply
from everloop.errors import EverloopError
from everloop.invocation import Invocation


class InvocationHandler(Protocol):
    """Answers invocations, several at a time where there are several slots."""

    async def handle(self, invocation: Invocation, reply: Reply) -> None:
        """Answer one invocation in the running task; return when the slot may poll again.

        Cancelled when the process shuts down. May release the reply earlier and go on. Raises `ApplicationExit`.
        """


class ApplicationExit(EverloopError):
    """Raised when the application asked for the end of the process with `SystemExit`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code
