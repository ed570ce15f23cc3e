"""One HTTP exchange: the request as an event, the answer as the front end makes it."""

import asyncio
import re

import orjson
from starlette.types import Receive, Scope, Send

from everloop.dev.calls import Call, CallFailed, Execution, Failure, Lambda
from everloop.dev.events.encoders import ENCODERS
from everloop.dev.events.parts import trace_header
from everloop.dev.events.request import Arrival, ClientRequest
from everloop.dev.gateway.answers.answer import Answer, MalformedAnswer
from everloop.dev.gateway.answers.decoders import DECODERS
from everloop.dev.gateway.answers.prelude import CONTENT_TYPE, PreludeReader
from everloop.dev.gateway.config import GatewayConfig
from everloop.dev.gateway.incoming import BodyTooLarge, ClientGone, read_body, request_of
from everloop.dev.gateway.page import error_page
from everloop.dev.gateway.problems import NO_PRELUDE, Problem, elsewhere, impatient, malformed, too_large
from everloop.dev.gateway.refusals import INVOKE_LIMIT, Refusal, body_limit, refuse
from everloop.dev.journal import Journal, Record

_TRACED = re.compile(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}$").fullmatch

_BODILESS = (204, 304)


class Exchange:
    """Serves one request. Nothing of it is kept when it is over."""

    __slots__ = (
        "_begun",
        "_config",
        "_function",
        "_is_bodiless",
        "_journal",
        "_over",
        "_receive",
        "_record",
        "_request",
        "_send",
    )

    def __init__(self, function: Lambda, config: GatewayConfig, journal: Journal, receive: Receive, send: Send) -> None:
        self._function = function
        self._config = config
        self._journal = journal
        self._receive = receive
        self._send = send
        self._request = ClientRequest()
        self._record: Record | None = None
        self._begun = False
        self._is_bodiless = False
        self._over = False

    async def serve(self, scope: Scope) -> None:
        """Answer the request."""
        source = self._config.source
        try:
            body = await read_body(scope, self._receive, body_limit(source))
        except ClientGone:
            return
        except BodyTooLarge:
            self._request = request_of(scope)
            limit = body_limit(source)
            await self._refuse(Refusal.TOO_LARGE, too_large(f"The request's body is over {limit:,} bytes"))
            return
        request = self._request = request_of(scope, body)
        if not _is_under(request.path, self._config.prefix):
            await self._refuse(Refusal.ELSEWHERE, elsewhere(request.path, self._config))
            return
        arrival = Arrival.now()
        event = orjson.dumps(ENCODERS[source](request, self._config.front_end, arrival))
        if len(event) > INVOKE_LIMIT:
            size = f"The event of this request has {len(event):,} bytes, and Lambda takes {INVOKE_LIMIT:,}"
            await self._refuse(Refusal.TOO_LARGE, too_large(size))
            return
        execution = await self._function.call(self._call(request, arrival, event))
        self._record = execution.record
        watch = asyncio.create_task(self._watch(execution))
        try:
            await (self._stream(execution) if self._config.can_stream else self._answer(execution))
        except asyncio.CancelledError:
            execution.abandon()
            raise
        finally:
            self._over = True
            watch.cancel()

    def _call(self, request: ClientRequest, arrival: Arrival, event: bytes) -> Call:
        trace = trace_header(request, arrival)
        target = f"{request.path}?{request.query}" if request.query else request.path
        return Call(
            payload=event,
            streaming=self._config.can_stream,
            source=self._config.source,
            label=f"{request.method} {target}"[:500],
            trace_id=f"{trace};Parent={arrival.request_id.replace('-', '')[:16]};Sampled=0" if _TRACED(trace) else None,
            request_id=arrival.request_id if self._config.source == "function-url" else None,
        )

    async def _watch(self, execution: Execution) -> None:
        """Wait until the client goes away: the server tells by the next message."""
        await self._receive()
        if self._over:
            return
        self._over = True
        execution.record.client_gone = True
        execution.abandon()
        self._journal.changed(execution.record)

    # Buffered answers.

    async def _answer(self, execution: Execution) -> None:
        """Wait for the whole answer, at most as long as the front end does, and hand it on."""
        try:
            async with asyncio.timeout(self._config.patience):
                begun = await execution.begun()
                payload = await execution.payload()
        except CallFailed as failure:
            await self._failed(failure)
            return
        except TimeoutError:
            await self._refuse(Refusal.TIMED_OUT, impatient(self._config))
            return
        try:
            if self._config.source == "rest" and _is_prelude(begun.content_type):
                answer = _without_body(payload)
            else:
                answer = DECODERS[self._config.source](payload)
        except MalformedAnswer as error:
            await self._malformed(Refusal.FAILED, str(error))
            return
        await self._give(answer)

    # Streamed answers.

    async def _stream(self, execution: Execution) -> None:
        """Hand on the answer as it comes; end the connection where it breaks off, so that nobody takes it for whole."""
        is_rest = self._config.source == "rest"
        try:
            begun = await execution.begun()
            if _is_prelude(begun.content_type):
                reader: PreludeReader | None = PreludeReader(multi_value=is_rest)
            elif is_rest:
                raise MalformedAnswer(NO_PRELUDE)
            else:
                reader = None
                await self._start(Answer(200, [(b"content-type", begun.content_type.encode("latin-1", "replace"))]))
            async for piece in execution.body():
                if self._over:
                    return
                if reader is not None:
                    found = reader.feed(piece)
                    if found is None:
                        continue
                    reader = None
                    head, piece = found
                    await self._start(head)
                if piece:
                    await self._write(execution.record, piece)
            if reader is not None:
                reader.end()
        except CallFailed as failure:
            if not self._begun:
                await self._failed(failure)
            return  # in mid-stream: the server breaks off a response that is not complete
        except MalformedAnswer as error:
            execution.abandon()
            execution.record.client_gone = False
            await self._malformed(Refusal.BAD_PRELUDE, str(error))
            return
        await self._end()

    async def _start(self, head: Answer) -> None:
        """Send the head."""
        self._begun = True
        self._is_bodiless = self._request.method == "HEAD" or head.status in _BODILESS
        self._note(head.status)
        await self._send({"type": "http.response.start", "status": head.status, "headers": self._marked(head)})

    async def _write(self, record: Record, piece: bytes) -> None:
        """Send a piece of the body, and wait while the client does not read."""
        if not self._is_bodiless:
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            record.went(len(piece))

    async def _end(self) -> None:
        if self._over:
            return
        self._over = True
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        if self._record is not None:
            self._journal.changed(self._record)

    # Both.

    async def _give(self, answer: Answer) -> None:
        """Send a whole response."""
        if self._over:
            return
        self._begun = True
        headers = self._marked(answer)
        body = answer.body
        if self._request.method == "HEAD" or answer.status in _BODILESS:
            body = b""
        else:
            headers.append((b"content-length", b"%d" % len(body)))
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})
        self._over = True
        await self._send({"type": "http.response.body", "body": body, "more_body": False})
        if self._record is not None:
            self._record.went(len(body))
        self._note(answer.status)

    async def _failed(self, failure: CallFailed) -> None:
        """Answer for an invocation that failed."""
        if failure.kind is Failure.TIMEOUT:
            refusal = Refusal.TIMED_OUT
        elif failure.kind is Failure.SHUTDOWN:
            refusal = Refusal.CLOSING
        else:
            refusal = Refusal.FAILED
        await self._refuse(refusal, Problem.of(failure.error_type, failure.payload), failure.error_type)

    async def _malformed(self, refusal: Refusal, reason: str) -> None:
        """Answer for a function whose answer cannot be handed on, and tell the journal why."""
        problem = malformed(reason)
        if self._record is not None and self._record.error_type is None:
            self._record.error_type = problem.kind
            self._record.error = orjson.dumps({"errorType": problem.kind, "errorMessage": problem.message})
        await self._refuse(refusal, problem)

    async def _refuse(self, refusal: Refusal, problem: Problem, error_type: str | None = None) -> None:
        """Answer as the front end does; a browser gets a page that says what happened."""
        answer = refuse(self._config.source, refusal)
        if "text/html" in (self._request.header("accept") or ""):
            answer = error_page(answer, problem, self._record, self._config.inspector)
        answer.headers.append((b"x-everloop-error", (error_type or problem.kind).encode("ascii", "replace")))
        await self._give(answer)

    def _marked(self, answer: Answer) -> list[tuple[bytes, bytes]]:
        """Give the headers with the id of the invocation, under the name that AWS has for it."""
        if self._record is None:
            return answer.headers
        name = b"apigw-requestid" if self._config.source.startswith("http-api") else b"x-amzn-requestid"
        return [*answer.headers, (name, self._record.request_id.encode("latin-1", "replace"))]

    def _note(self, status: int) -> None:
        if self._record is not None:
            self._record.status = status
            self._journal.changed(self._record)


def _is_prelude(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == CONTENT_TYPE


def _without_body(payload: bytes) -> Answer:
    """Give what a REST API that does not stream makes of a prelude: status and headers arrive, the body is dropped.

    Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
    """
    reader = PreludeReader(multi_value=True)
    found = reader.feed(payload)
    if found is None:
        reader.end()
        raise AssertionError("unreachable: end() raises")
    return found[0]


def _is_under(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/")
