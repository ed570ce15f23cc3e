"""An application under OpenTelemetry, by the recipe of docs/observability.md; the exporter tells what it gets."""

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import everloop
from messages import body, no_lifespan, start


class Telling(SpanExporter):
    """Stands for a collector in this process."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write a line for each span."""
        for span in spans:
            parent = f"{span.parent.span_id:016x}" if span.parent else "none"
            context = span.get_span_context()
            assert context is not None
            name = span.name.replace(" ", "_")
            print(f"exported {name} of {context.trace_id:032x} under {parent}", flush=True)
        return SpanExportResult.SUCCESS


provider = TracerProvider()
# So seldom that nothing is exported unless somebody flushes.
provider.add_span_processor(BatchSpanProcessor(Telling(), schedule_delay_millis=3_600_000))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("shop")

everloop.after_response(provider.force_flush)


async def inner(scope: Any, receive: Any, send: Any) -> None:
    """Answers `/`, streams `/stream`, goes on after `/background`."""
    await no_lifespan(scope)
    with tracer.start_as_current_span("work"):
        await asyncio.sleep(0)
    await send(start())
    if scope["path"] == "/stream":
        await send(body(b"one", more=True))
        with tracer.start_as_current_span("between"):
            await asyncio.sleep(0.01)
        await send(body(b"two"))
        return
    if scope["path"] == "/background":
        everloop.wait_until(receipt())
    await send(body(b"traced"))


async def receipt() -> None:
    with tracer.start_as_current_span("receipt"):
        await asyncio.sleep(0.02)


app = OpenTelemetryMiddleware(inner)


def handler(event: Any, context: Any) -> str:
    """A plain handler for the Lambda instrumentation, which replaces it."""
    with tracer.start_as_current_span("work"):
        return "handled"


if os.environ.get("INSTRUMENT"):
    from opentelemetry.instrumentation.aws_lambda import AwsLambdaInstrumentor

    AwsLambdaInstrumentor().instrument()
