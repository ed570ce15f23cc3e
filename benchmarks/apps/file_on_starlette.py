"""200 MB out of a file, as Starlette's FileResponse sends it."""

import tempfile

from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

SIZE = 200_000_000
FILE = tempfile.NamedTemporaryFile()  # noqa: SIM115 - it lives as long as the process
for _ in range(SIZE // 1_000_000):
    FILE.write(b"x" * 1_000_000)
FILE.flush()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    await FileResponse(FILE.name)(scope, receive, send)
