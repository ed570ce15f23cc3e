"""Lambda's Invoke API, so that an AWS SDK works unchanged with `endpoint_url=`.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html and …/API_InvokeWithResponseStream.html
"""

import asyncio
import base64
import binascii
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from everloop.dev.calls import Call, CallFailed, Execution, Failure, Lambda
from everloop.dev.config import FunctionConfig
from everloop.dev.event_stream import CONTENT_TYPE, encode_event
from everloop.dev.function_names import Refused, invoked_arn
from everloop.dev.log_tail import log_tail

MAX_PAYLOAD = 6 * 1024 * 1024
"""Bytes of a synchronous call's event."""
MAX_ASYNC_PAYLOAD = 1024 * 1024
"""Bytes of an asynchronous call's event."""
MAX_CLIENT_CONTEXT = 3583
"""Bytes of the client context in base64."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LAST_LINES = 0.2
"""Seconds that an invocation may go on after its response before the end of its log is given without the rest."""


def routes(function: Lambda, config: FunctionConfig) -> list[Route]:
    """Give the routes of the Invoke API for one function."""
    api = InvokeApi(function, config)
    return [
        Route("/2015-03-31/functions/{name}/invocations", api.invoke, methods=["POST"]),
        Route("/2021-11-15/functions/{name}/response-streaming-invocations", api.stream, methods=["POST"]),
        Route("/{operation:path}", api.unknown, methods=METHODS),
    ]


class InvokeApi:
    """Answers as Lambda's own endpoint does."""

    def __init__(self, function: Lambda, config: FunctionConfig) -> None:
        self._function = function
        self._config = config

    async def invoke(self, request: Request) -> Response:
        """`Invoke`: RequestResponse, Event and DryRun."""
        return await self._answer(request, self._invoke)

    async def stream(self, request: Request) -> Response:
        """`InvokeWithResponseStream`."""
        return await self._answer(request, self._stream)

    async def unknown(self, request: Request) -> Response:
        """Any other operation of Lambda's API, which would else be taken for a request to the application."""
        return await self._answer(request, self._unknown)

    async def _unknown(self, request: Request) -> Response:
        message = f"{request.method} {request.url.path}: everloop dev knows Invoke and InvokeWithResponseStream only"
        raise Refused(404, "UnknownOperationException", message)

    async def _answer(self, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        try:
            return await answer(request)
        except Refused as refused:
            body = {"Type": "User", "Message": refused.message, "message": refused.message}
            headers = {"x-amzn-ErrorType": refused.error_type, "x-amzn-RequestId": str(uuid.uuid4())}
            return Response(orjson.dumps(body), refused.status, headers, "application/json")

    async def _invoke(self, request: Request) -> Response:
        kind = _one_of(request, "X-Amz-Invocation-Type", ("RequestResponse", "Event", "DryRun"))
        call = await self._call(request, kind)
        if kind == "DryRun":
            return Response(status_code=204, headers={"x-amzn-RequestId": str(uuid.uuid4())})
        execution = await self._function.call(call)
        headers = self._headers(execution)
        if kind == "Event":
            return Response(status_code=202, headers={"x-amzn-RequestId": execution.request_id})
        try:
            payload = await _unless_gone(request, execution)
        except CallFailed as failed:
            if failed.kind is Failure.SHUTDOWN:
                raise Refused(500, "ServiceException", "everloop dev is stopping") from failed
            headers["X-Amz-Function-Error"] = "Unhandled"
            payload = failed.payload
        if _wants_tail(request):
            headers["X-Amz-Log-Result"] = await self._tail(execution)
        return Response(payload, 200, headers, "application/json")

    async def _stream(self, request: Request) -> Response:
        kind = _one_of(request, "X-Amz-Invocation-Type", ("RequestResponse", "DryRun"))
        call = await self._call(request, kind)
        if kind == "DryRun":
            return Response(status_code=204, headers={"x-amzn-RequestId": str(uuid.uuid4())})
        execution = await self._function.call(replace(call, streaming=True))
        # The head is sent at once: a failure is an event like the rest.
        messages = self._messages(execution, tail=_wants_tail(request))
        return StreamingResponse(messages, 200, self._headers(execution), CONTENT_TYPE)

    async def _messages(self, execution: Execution, *, tail: bool) -> AsyncIterator[bytes]:
        complete: dict[str, str] = {}
        try:
            try:
                async for piece in execution.body():
                    yield encode_event("PayloadChunk", piece, "application/octet-stream")
                    execution.record.went(len(piece))
            except CallFailed as failed:
                complete["ErrorCode"] = failed.error_type
                complete["ErrorDetails"] = failed.payload.decode("utf-8", "replace")
            if tail:
                complete["LogResult"] = await self._tail(execution)
            yield encode_event("InvokeComplete", orjson.dumps(complete), "application/json")
        finally:
            execution.abandon()  # nothing to say where the caller has everything

    async def _tail(self, execution: Execution) -> str:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_LINES):
                await execution.finished()
        for _ in range(3):  # lines that were written before the response are read in these turns of the loop
            await asyncio.sleep(0)
        return log_tail(execution.record, self._config)

    def _headers(self, execution: Execution) -> dict[str, str]:
        return {
            "x-amzn-RequestId": execution.request_id,
            "X-Amz-Executed-Version": self._config.version,
            "X-Amzn-Trace-Id": (execution.record.trace_id or "").partition(";Lineage")[0],
        }

    async def _call(self, request: Request, kind: str) -> Call:
        """Read a request. Raises `Refused`."""
        name, qualifier = request.path_params["name"], request.query_params.get("Qualifier")
        arn = invoked_arn(self._config, name, qualifier)
        limit = MAX_ASYNC_PAYLOAD if kind == "Event" else MAX_PAYLOAD
        payload = await _read(request, limit) or b"{}"
        try:
            orjson.loads(payload)
        except orjson.JSONDecodeError as error:
            message = f"Could not parse request body into json: {error}"
            raise Refused(400, "InvalidRequestContentException", message) from error
        headers = request.headers
        return Call(
            payload=payload,
            source="invoke",
            label=kind if kind != "RequestResponse" else "",
            client_context=_client_context(headers.get("X-Amz-Client-Context")),
            cognito_identity=headers.get("X-Amz-Cognito-Identity"),
            tenant_id=headers.get("X-Amz-Tenant-Id"),
            trace_id=headers.get("X-Amzn-Trace-Id"),
            invoked_arn=arn,
        )


def _one_of(request: Request, header: str, values: tuple[str, ...]) -> str:
    """Give a header's value, the first of the known ones where it is not sent."""
    value = request.headers.get(header) or values[0]
    if value not in values:
        message = f"{header} was {value!r}; it is one of {', '.join(values)}"
        raise Refused(400, "InvalidParameterValueException", message)
    return value


def _wants_tail(request: Request) -> bool:
    return _one_of(request, "X-Amz-Log-Type", ("None", "Tail")) == "Tail"


def _client_context(value: str | None) -> str | None:
    if not value:
        return None
    if len(value) > MAX_CLIENT_CONTEXT:
        message = f"The client context has {len(value)} bytes in base64; it may have {MAX_CLIENT_CONTEXT}"
        raise Refused(400, "InvalidRequestContentException", message)
    try:
        decoded = base64.b64decode(value, validate=True).decode()
        if not isinstance(json.loads(decoded), dict):
            raise ValueError("it is not a JSON object")
    except (binascii.Error, ValueError) as error:
        message = f"The client context must be a JSON object in base64: {error}"
        raise Refused(400, "InvalidRequestContentException", message) from error
    return decoded


async def _read(request: Request, limit: int) -> bytes:
    """Read the body. One that is too large is read to its end nevertheless, so that its sender gets the answer."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        pieces.append(piece)
        if size > limit:
            pieces.clear()
    if size > limit:
        message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        raise Refused(413, "RequestTooLargeException", message)
    return b"".join(pieces)


async def _unless_gone(request: Request, execution: Execution) -> bytes:
    """Wait for the payload; a caller that goes away first abandons the call."""
    payload = asyncio.ensure_future(execution.payload())
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((payload, gone), return_when=asyncio.FIRST_COMPLETED)
        if not payload.done():
            execution.abandon()
        return await payload
    finally:
        gone.cancel()
        payload.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
