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
    """A step, a wait, and what comes of both; Lambda's side of it, which moto does not have, keeps the operations."""
    import datetime as dt

    import aws_durable_execution_sdk_python as sdk
    from aws_durable_execution_sdk_python.config import Duration

    durable_execution: Any = sdk.durable_execution
    identity = ("Id", "Type", "SubType", "Name", "ParentId")
    operations: dict[str, Any] = {}
    runs: list[str] = []
    done = {"START": "STARTED", "SUCCEED": "SUCCEEDED", "FAIL": "FAILED"}

    class Client:
        def checkpoint_durable_execution(self, Updates: Any, **arguments: Any) -> Any:  # noqa: N803 - AWS's name
            for update in Updates:
                operation = operations.setdefault(update["Id"], {})
                operation |= {name: update[name] for name in identity if name in update}
                operation["Status"] = done[update["Action"]]
                if update["Type"] == "STEP":
                    operation["StepDetails"] = {"Attempt": 1, "Result": update.get("Payload")}
                if update["Type"] == "WAIT":
                    end = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
                    operation["WaitDetails"] = {"ScheduledEndTimestamp": end}
            return {
                "CheckpointToken": "t2",
                "NewExecutionState": {"Operations": list(operations.values()), "NextMarker": ""},
            }

        def get_durable_execution_state(self, **arguments: Any) -> Any:
            return {"Operations": list(operations.values()), "NextMarker": ""}

    def greet(step: Any) -> str:
        runs.append("step")
        return "hello"

    def handler(event: Any, context: Any) -> Any:
        greeting = context.step(greet, name="greet")
        context.wait(Duration.from_hours(1), name="an hour")
        return {"greeting": f"{greeting} {event['name']}", "runs": len(runs)}

    durable_handler = durable_execution(handler, boto3_client=Client())

    def under_test(event: Any, context: Any) -> Any:
        """Hands on what was kept, as Lambda does; `later` is when the wait is over."""
        if event.pop("later"):
            for operation in operations.values():
                operation["Status"] = "SUCCEEDED"
                operation.pop("WaitDetails", None)
        event["InitialExecutionState"]["Operations"] += operations.values()
        return durable_handler(event, context)

    return under_test
