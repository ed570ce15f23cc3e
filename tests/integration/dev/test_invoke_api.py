"""The Invoke API with AWS's own SDK for Python as the client."""

import base64
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError
from starlette.applications import Starlette

from everloop.dev import invoke_api
from everloop.dev.config import FunctionConfig
from everloop.dev.function import Function
from everloop.dev.journal import Journal
from support.emulated import PATIENCE
from support.process import APPS

ARN = "arn:aws:lambda:us-east-1:123456789012:function:shop"


class Served:
    """The Invoke API of a function under uvicorn, in a thread with a loop of its own."""

    def __init__(self, handler: str, **config: Any) -> None:
        self.journal = Journal()
        self.config = FunctionConfig(handler=handler, task_root=APPS, name="shop", **config)

        @contextlib.asynccontextmanager
        async def lifespan(app: Starlette) -> Any:
            function = Function(self.config, self.journal)
            app.router.routes += invoke_api.routes(function, self.config)
            await function.start()
            yield
            await function.close()

        self._server = uvicorn.Server(uvicorn.Config(Starlette(lifespan=lifespan), log_level="warning", lifespan="on"))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self.port = self._socket.getsockname()[1]

    def __enter__(self) -> "Served":
        self._thread.start()
        self.client = boto3.client(
            "lambda",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}, read_timeout=PATIENCE),
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        self._socket.close()

    def call(self, **how: Any) -> tuple[Any, bytes]:
        """Give the response and its payload; one that is not read would keep its connection open."""
        response = self.client.invoke(**{"FunctionName": "shop", **how})
        with response["Payload"] as payload:
            return response, payload.read()

    def invoke(self, event: Any = None, **how: Any) -> tuple[Any, bytes]:
        return self.call(Payload=json.dumps(event), **how)

    def stream(self, event: Any, **how: Any) -> tuple[bytes, dict[str, Any], Any]:
        """Give the body, InvokeComplete, and the response's metadata."""
        response = self.client.invoke_with_response_stream(FunctionName="shop", Payload=json.dumps(event), **how)
        with contextlib.closing(response["EventStream"]) as stream:
            events = list(stream)
        body = b"".join(event["PayloadChunk"]["Payload"] for event in events[:-1])
        return body, events[-1]["InvokeComplete"], response

    def until(self, met: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while not met():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture(scope="module")
def obey() -> Iterator[Served]:
    with Served("emulated.obey", timeout=5.0) as served:
        yield served


@pytest.fixture(scope="module")
def stream() -> Iterator[Served]:
    with Served("emulated.stream", streaming=True, timeout=5.0) as served:
        yield served


def test_invoke(obey: Served) -> None:
    """RequestResponse: the payload, the version, the request's id."""
    response, payload = obey.invoke({"a": 1})
    answer = json.loads(payload)
    assert answer["event"] == {"a": 1}
    assert response["StatusCode"] == 200
    assert response["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in response
    assert "LogResult" not in response
    assert response["ResponseMetadata"]["RequestId"] == answer["request_id"]
    assert response["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/json"


def test_without_a_payload_the_event_is_empty(obey: Served) -> None:
    """No payload is `{}`."""
    assert json.loads(obey.call()[1])["event"] == {}


def test_a_function_error(obey: Served) -> None:
    """Unhandled, with the error as the payload."""
    response, payload = obey.invoke({"fail": "broken"})
    assert response["StatusCode"] == 200
    assert response["FunctionError"] == "Unhandled"
    error = json.loads(payload)
    assert (error["errorType"], error["errorMessage"]) == ("LookupError", "broken")


def test_a_timeout_and_an_exit_are_function_errors() -> None:
    """They are, with the platform's own errors."""
    with Served("emulated.obey", timeout=1.0) as served:
        response, payload = served.invoke({"sleep": 60})
        assert response["FunctionError"] == "Unhandled"
        assert json.loads(payload)["errorType"] == "Sandbox.Timedout"
        response, payload = served.invoke({"exit": 9})
        assert json.loads(payload)["errorType"] == "Runtime.ExitError"


def test_an_asynchronous_call(obey: Served, tmp_path: Path) -> None:
    """Event: 202 at once, without a payload; the function runs in the background."""
    known = len(list(obey.journal))
    gate = tmp_path / "gate"
    response, payload = obey.invoke({"until": str(gate)}, InvocationType="Event")
    assert response["StatusCode"] == 202
    assert payload == b""
    record = list(obey.journal)[known]
    assert record.responded_at is None
    gate.touch()
    obey.until(lambda: record.finished_at is not None)
    assert str(gate).encode() in record.response
    assert response["ResponseMetadata"]["RequestId"] == record.request_id


def test_a_dry_run(obey: Served) -> None:
    """DryRun: 204, and nothing is called; what is wrong is said."""
    known = len(list(obey.journal))
    assert obey.invoke({}, InvocationType="DryRun")[0]["StatusCode"] == 204
    with pytest.raises(ClientError):
        obey.client.invoke(FunctionName="other", InvocationType="DryRun")
    assert len(list(obey.journal)) == known


def test_the_tail_of_the_log(obey: Served) -> None:
    """LogType=Tail: the last 4 KB, from START to REPORT."""
    response, _ = obey.invoke({"print": "hello log"}, LogType="Tail")
    log = base64.b64decode(response["LogResult"]).decode()
    request_id = response["ResponseMetadata"]["RequestId"]
    start, said, end, report = log.splitlines()[-4:]
    assert start == f"START RequestId: {request_id} Version: $LATEST"
    assert said == "hello log"
    assert end == f"END RequestId: {request_id}"
    assert report.startswith(f"REPORT RequestId: {request_id}\tDuration: ")
    assert "\tMemory Size: 512 MB\tMax Memory Used: " in report
    long, _ = obey.invoke({"print": "x" * 5000}, LogType="Tail")
    assert len(base64.b64decode(long["LogResult"])) == 4096


def test_context_trace_and_tenant() -> None:
    """What the caller says of itself arrives in the function's context."""
    context = base64.b64encode(b'{"custom": {"k": "v"}}').decode()
    with Served("emulated.describe") as served:
        seen = json.loads(served.call(FunctionName=f"{ARN}:live", ClientContext=context, TenantId="blue")[1])
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
        trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
        connection.request("POST", "/2015-03-31/functions/shop/invocations", b"{}", {"X-Amzn-Trace-Id": trace})
        answer = connection.getresponse()
        traced = json.loads(answer.read())
        connection.close()
    assert seen["client"] == {"k": "v"}
    assert seen["tenant"] == "blue"
    assert seen["arn"] == f"{ARN}:live"
    assert traced["environ"]["_X_AMZN_TRACE_ID"] == trace
    assert answer.headers["X-Amzn-Trace-Id"] == trace


@pytest.mark.parametrize("name", ["shop", "shop:$LATEST", "shop:live", ARN, f"{ARN}:7", "123456789012:function:shop"])
def test_names(obey: Served, name: str) -> None:
    """A name, with a qualifier, a partial and a full ARN are the same function."""
    assert obey.call(FunctionName=name)[0]["StatusCode"] == 200


def test_a_qualifier(obey: Served) -> None:
    """As a parameter of its own, too; two that differ are refused."""
    assert obey.call(Qualifier="live")[0]["StatusCode"] == 200
    with pytest.raises(ClientError) as caught:
        obey.client.invoke(FunctionName="shop:one", Qualifier="two")
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"


@pytest.mark.parametrize("name", ["other", ARN.replace("shop", "other"), ARN.replace("us-east-1", "eu-west-1")])
def test_an_unknown_function(obey: Served, name: str) -> None:
    """404 ResourceNotFoundException, the class that boto3 has for it; the message names the one that there is."""
    with pytest.raises(obey.client.exceptions.ResourceNotFoundException) as caught:
        obey.client.invoke(FunctionName=name)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert ARN in str(caught.value)


def test_a_payload_that_is_not_json(obey: Served) -> None:
    """400 InvalidRequestContentException."""
    with pytest.raises(obey.client.exceptions.InvalidRequestContentException) as caught:
        obey.client.invoke(FunctionName="shop", Payload=b"{'a': 1}")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("context", ["not base64!", base64.b64encode(b"[]").decode(), "e30" * 2000])
def test_a_client_context_that_is_wrong(obey: Served, context: str) -> None:
    """Not base64, not an object, too long: 400."""
    with pytest.raises(obey.client.exceptions.InvalidRequestContentException):
        obey.client.invoke(FunctionName="shop", ClientContext=context)


@pytest.mark.parametrize(("how", "limit"), [("RequestResponse", 6 * 1024 * 1024), ("Event", 1024 * 1024)])
def test_payload_limits(obey: Served, how: str, limit: int) -> None:
    """Just the limit is taken, one byte more is 413 RequestTooLargeException."""
    payload = b'"' + b"x" * (limit - 2) + b'"'
    if how == "Event":  # the handler, which wants an object, fails in the background
        assert obey.call(InvocationType=how, Payload=payload)[0]["StatusCode"] == 202
    with pytest.raises(obey.client.exceptions.RequestTooLargeException) as caught:
        obey.client.invoke(FunctionName="shop", InvocationType=how, Payload=payload + b" ")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert str(limit) in str(caught.value)


def test_invoke_with_response_stream(stream: Served, tmp_path: Path) -> None:
    """The pieces come one by one, then InvokeComplete."""
    response = stream.client.invoke_with_response_stream(
        FunctionName="shop", Payload=json.dumps({"count": 3, "gates": str(tmp_path)})
    )
    assert response["StatusCode"] == 200
    assert response["ExecutedVersion"] == "$LATEST"
    assert response["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    events = []
    with contextlib.closing(response["EventStream"]) as stream_of_events:
        for number, event in enumerate(stream_of_events):
            events.append(event)
            (tmp_path / str(number)).touch()  # the function makes the next piece only now
    assert events == [{"PayloadChunk": {"Payload": piece}} for piece in (b"a", b"b", b"c")] + [{"InvokeComplete": {}}]


def test_a_large_stream_with_all_its_checksums(stream: Served) -> None:
    """boto3 checks two CRCs in each frame: 20 MB arrive whole."""
    body, complete, _ = stream.stream({"count": 20, "size": 1_000_000})
    assert body == b"".join(bytes([97 + n % 26]) * 1_000_000 for n in range(20))
    assert complete == {}


def test_an_error_in_the_stream(stream: Served) -> None:
    """What came, then InvokeComplete with the code and details from the trailers."""
    body, complete, _ = stream.stream({"count": 2, "fail": "in the middle"})
    assert body == b"ab"
    assert complete["ErrorCode"] == "Function.LookupError"
    assert json.loads(complete["ErrorDetails"])["errorMessage"] == "in the middle"


def test_the_tail_of_a_streams_log(stream: Served) -> None:
    """LogResult is in InvokeComplete."""
    _, complete, _ = stream.stream({"count": 2}, LogType="Tail")
    log = base64.b64decode(complete["LogResult"]).decode()
    assert "taken 2\n" in log
    assert "\nREPORT RequestId: " in log


def test_a_stream_that_is_refused(stream: Served) -> None:
    """Names, payloads and dry runs are looked at as in Invoke."""
    with pytest.raises(stream.client.exceptions.ResourceNotFoundException):
        stream.client.invoke_with_response_stream(FunctionName="other")
    with pytest.raises(stream.client.exceptions.InvalidRequestContentException):
        stream.client.invoke_with_response_stream(FunctionName="shop", Payload=b"no")
    dry = stream.client.invoke_with_response_stream(FunctionName="shop", InvocationType="DryRun")
    dry["EventStream"].close()
    assert dry["StatusCode"] == 204


def test_a_buffered_call_of_a_streaming_function(stream: Served) -> None:
    """Invoke collects what is streamed."""
    assert stream.invoke({"count": 3})[1] == b"abc"


def test_a_caller_that_goes_away(obey: Served, stream: Served, tmp_path: Path) -> None:
    """It is noted; the function runs on to its end."""
    for served, path, event, gate in (
        (obey, "/2015-03-31/functions/shop/invocations", {"until": str(tmp_path / "gate")}, tmp_path / "gate"),
        (
            stream,
            "/2021-11-15/functions/shop/response-streaming-invocations",
            {"count": 1, "gates": str(tmp_path)},
            tmp_path / "0",
        ),
    ):
        known = len(list(served.journal))
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
        connection.request("POST", path, json.dumps(event))
        served.until(lambda served=served, known=known: len(list(served.journal)) > known)
        record = list(served.journal)[known]
        served.until(lambda record=record: record.started_at is not None)
        connection.close()
        served.until(lambda record=record: record.client_gone)
        gate.touch()
        served.until(lambda record=record: record.finished_at is not None)
        assert record.failure is None
        assert record.responded_at is not None


def test_an_unknown_invocation_type(obey: Served) -> None:
    """What is not one of Lambda's is refused with the ones that are."""
    connection = http.client.HTTPConnection("127.0.0.1", obey.port, timeout=PATIENCE)
    connection.request("POST", "/2015-03-31/functions/shop/invocations", b"{}", {"X-Amz-Invocation-Type": "Later"})
    answer = connection.getresponse()
    assert answer.status == 400
    assert "RequestResponse, Event, DryRun" in json.loads(answer.read())["Message"]
    connection.close()


def test_other_operations_are_not_there(obey: Served) -> None:
    """They are refused as such, and say what there is."""
    calls: list[Callable[[], Any]] = [
        obey.client.list_functions,
        obey.client.list_layers,
        lambda: obey.client.get_function(FunctionName="shop"),
        lambda: obey.client.get_function_url_config(FunctionName="shop"),
        lambda: obey.client.invoke_async(FunctionName="shop", InvokeArgs=b"{}"),
    ]
    for call in calls:
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
        assert "InvokeWithResponseStream only" in str(caught.value)
