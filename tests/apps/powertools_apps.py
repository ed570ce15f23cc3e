"""Handlers with Powertools for AWS Lambda: a resolver for every front, batches, traces."""

import os
from typing import Any

made: Any = None


def resolve(event: Any, context: Any) -> Any:
    """Be the handler that RESOLVER names."""
    global made
    if made is None:
        made = globals()[os.environ["RESOLVER"]]()
    return made(event, context)


def _routes(app: Any) -> Any:
    def seen(**names: Any) -> Any:
        event = app.current_event
        return {"path": event.path, "method": event.http_method, "names": names}

    app.get("/<.+>")(lambda: seen())
    app.post("/<.+>")(lambda: seen())
    app.get("/")(lambda: seen())
    return lambda event, context: app.resolve(event, context)


def rest() -> Any:
    from aws_lambda_powertools.event_handler import APIGatewayRestResolver

    return _routes(APIGatewayRestResolver())


def http_api() -> Any:
    from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

    return _routes(APIGatewayHttpResolver())


def alb() -> Any:
    from aws_lambda_powertools.event_handler import ALBResolver

    return _routes(ALBResolver())


def lattice() -> Any:
    from aws_lambda_powertools.event_handler import VPCLatticeV2Resolver

    return _routes(VPCLatticeV2Resolver())


def function_url() -> Any:
    from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver

    return _routes(LambdaFunctionUrlResolver())


def bedrock_agent() -> Any:
    from aws_lambda_powertools.event_handler import BedrockAgentResolver

    app = BedrockAgentResolver()

    @app.get("/orders/<id>", description="The state of an order")
    def order(id: str) -> dict[str, str]:  # noqa: A002 - the schema's name
        return {"order": id, "state": "on its way"}

    return lambda event, context: app.resolve(event, context)


def batch() -> Any:
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

    processor = BatchProcessor(event_type=EventType.SQS)

    def record_handler(record: Any) -> None:
        if record.message_id.endswith("2"):
            raise ValueError(record.message_id)

    def handler(event: Any, context: Any) -> Any:
        return process_partial_response(
            event=event, record_handler=record_handler, processor=processor, context=context
        )

    return handler


def tracer() -> Any:
    """Sends subsegments to the X-Ray daemon that AWS_XRAY_DAEMON_ADDRESS names."""
    from aws_lambda_powertools import Tracer

    tracer = Tracer(service="shop", auto_patch=False)

    @tracer.capture_method
    def look_up(item: str) -> str:
        tracer.put_annotation("item", item)
        return item

    @tracer.capture_lambda_handler
    def handler(event: Any, context: Any) -> Any:
        if event.get("fails"):
            raise LookupError("not on the shelf")
        return look_up(event["item"])

    return handler


def async_tracer() -> Any:
    """The same in a coroutine, which Powertools wraps as a plain function."""
    from aws_lambda_powertools import Tracer

    tracer = Tracer(service="shop", auto_patch=False)

    @tracer.capture_method
    async def look_up(item: str) -> str:
        return item

    async def handler(event: Any, context: Any) -> Any:
        return await look_up(event["item"])

    return handler
