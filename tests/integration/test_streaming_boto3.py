"""Streams as AWS's SDK for Python reads them: boto3, the emulated Lambda, the real bootstrap."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import uvicorn
from botocore.config import Config
from starlette.applications import Starlette

from everloop.dev import invoke_api
from everloop.dev.config import FunctionConfig
from everloop.dev.function import Function
from everloop.dev.journal import Journal
from support.process import APPS, ROOT
from support.sample_events import function_url, http_api

CREDENTIALS = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
NULS = b"\0" * 8


class Streamed:
    """What `invoke_with_response_stream` gave: its chunks with the time when each was there, and how it ended."""

    def __init__(self, response: Any) -> None:
        self.chunks: list[tuple[float, bytes]] = []
        self.end: dict[str, Any] = {}
        with contextlib.closing(response["EventStream"]) as stream:
            for event in stream:
                if "PayloadChunk" in event:
                    self.chunks.append((time.monotonic(), event["PayloadChunk"]["Payload"]))
                else:
                    self.end = event["InvokeComplete"]

    @property
    def body(self) -> bytes:
        return b"".join(chunk for _, chunk in self.chunks)

    @property
    def http(self) -> tuple[Any, bytes]:
        prelude, nuls, body = self.body.partition(NULS)
        assert nuls
        return json.loads(prelude), body


@contextlib.contextmanager
def emulated(handler: str, **config: Any) -> Iterator[Any]:
    """Give a boto3 client of a function."""
    chosen = FunctionConfig(**{"handler": handler, "name": "shop", "task_root": APPS, "streaming": True, **config})

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        function = Function(chosen, Journal())
        app.router.routes += invoke_api.routes(function, chosen)
        await function.start()
        yield
        await function.close()

    server = uvicorn.Server(uvicorn.Config(Starlette(lifespan=lifespan), log_level="warning", lifespan="on"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        client = boto3.client(
            "lambda", endpoint_url=url, config=Config(retries={"max_attempts": 0}, read_timeout=60), **CREDENTIALS
        )
        try:
            yield client
        finally:
            client.close()
            server.should_exit = True
            thread.join(30)


def stream(client: Any, event: Any) -> Streamed:
    return Streamed(client.invoke_with_response_stream(FunctionName="shop", Payload=json.dumps(event)))


def test_an_http_stream() -> None:
    """Prelude, eight NUL bytes, body; again and again."""
    with emulated("streaming:pieces") as client:
        for _ in range(3):
            answer = stream(client, function_url())
            assert answer.http == ({"statusCode": 200, "headers": {"content-type": "text/plain"}}, b"abcdef")
            assert "ErrorCode" not in answer.end


def test_a_plain_stream() -> None:
    """What a generator yields, and nothing else."""
    with emulated("yielding.apieces") as client:
        assert stream(client, {}).body == "héllo world".encode()


@pytest.mark.parametrize(("handler", "body"), [("yielding.afails", b"begun"), ("failing:mid_stream", b"half")])
def test_a_failure_in_mid_stream(handler: str, body: bytes) -> None:
    """The SDK's caller is told by InvokeComplete, and its body has no word of it."""
    with emulated(handler) as client:
        for _ in range(2):
            answer = stream(client, function_url())
            assert answer.body.endswith(body)
            assert answer.end["ErrorCode"].startswith("Function.")
            assert "in" in json.loads(answer.end["ErrorDetails"])["errorMessage"]


def test_a_deadline_in_mid_stream() -> None:
    """The caller has what came and the reason; Lambda's own timeout never comes, and the same process serves on."""
    with emulated("generating:app", timeout=1.5) as client:
        for _ in range(2):
            answer = stream(client, function_url("/waits"))
            assert answer.http[1] == b"half"
            assert answer.end["ErrorCode"] == "Runtime.DeadlineExceeded"
        answer = stream(client, function_url("/background"))
        assert (answer.http[1], answer.end) == (b"whole", {})


def test_a_source_that_cannot_stream() -> None:
    """One buffered envelope, as a single chunk."""
    with emulated("streaming:pieces") as client:
        assert json.loads(stream(client, http_api()).body)["body"] == "abcdef"


def test_events_arrive_as_they_are_made() -> None:
    """Server-sent events with 50 ms between them are not with the caller all at once."""
    with emulated("main:app", task_root=ROOT / "examples" / "server_sent_events") as client:
        answer = stream(client, function_url("/by-hand", query="count=10"))
        times = [at for at, chunk in answer.chunks if b"data:" in chunk]
        assert answer.body.count(b"data:") == 10
        assert times[-1] - times[0] > 0.2


def test_a_buffered_call_of_a_streaming_function() -> None:
    """`Invoke` has the whole stream as its payload."""
    with emulated("streaming:pieces") as client:
        payload = client.invoke(FunctionName="shop", Payload=json.dumps(function_url()))["Payload"].read()
        assert payload.endswith(NULS + b"abcdef")


def test_a_large_stream_arrives_whole() -> None:
    """20 MiB in numbered pieces, every byte in order."""
    with emulated("streaming:numbered", environ={"PIECES": "320"}) as client:
        _, body = stream(client, function_url()).http
        assert len(body) == 320 * 65536
        assert [int.from_bytes(body[at : at + 8], "big") for at in range(0, len(body), 65536)] == list(range(320))
