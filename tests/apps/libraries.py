"""Handlers written with the libraries that Lambda users have."""

from typing import Any


def powertools() -> Any:
    from aws_lambda_powertools import Logger, Metrics, Tracer
    from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver

    logger, tracer, metrics = (
        Logger(service="shop"),
        Tracer(service="shop", disabled=True),
        Metrics(namespace="Shop", service="shop"),
    )
    app = LambdaFunctionUrlResolver()

    @app.get("/items/<item>")
    @tracer.capture_method
    def item(item: str) -> Any:
        logger.info("looked up", extra={"item": item})
        metrics.add_metric(name="Lookups", unit="Count", value=1)
        return {"item": item}

    @logger.inject_lambda_context
    @tracer.capture_lambda_handler
    @metrics.log_metrics
    def handler(event: Any, context: Any) -> Any:
        return app.resolve(event, context)

    return handler


def batch() -> Any:
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

    processor = BatchProcessor(event_type=EventType.SQS)

    def record_handler(record: Any) -> None:
        raise ValueError(record.message_id)

    def handler(event: Any, context: Any) -> Any:
        return process_partial_response(
            event=event, record_handler=record_handler, processor=processor, context=context
        )

    return handler


def xray() -> Any:
    from aws_xray_sdk.core import xray_recorder
    from aws_xray_sdk.core.lambda_launcher import LambdaContext

    xray_recorder.configure(context=LambdaContext())

    def handler(event: Any, context: Any) -> Any:
        segment = xray_recorder.current_segment()
        return {"trace": segment.trace_id, "parent": segment.id}

    return handler


def boto3_moto() -> Any:
    import boto3
    from moto import mock_aws

    mock = mock_aws()
    mock.start()
    table = boto3.resource("dynamodb", region_name="eu-central-1").create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def handler(event: Any, context: Any) -> Any:
        table.put_item(Item={"id": "1", "n": event["n"]})
        return table.get_item(Key={"id": "1"})["Item"]

    return handler


def durable() -> Any:
    import aws_durable_execution_sdk_python as sdk

    durable_execution: Any = sdk.durable_execution

    class Client:
        def checkpoint_durable_execution(self, **arguments: Any) -> Any:
            return {"CheckpointToken": "t2", "NewExecutionState": {"Operations": [], "NextMarker": ""}}

        def get_durable_execution_state(self, **arguments: Any) -> Any:
            return {"Operations": [], "NextMarker": ""}

    def handler(event: Any, context: Any) -> Any:
        return {"greeting": f"hello {event['name']}"}

    return durable_execution(handler, boto3_client=Client())
