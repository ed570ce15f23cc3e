"""Samples of EventBridge's events.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
"""

import json
from typing import Any

from everloop.dev.events.request import Arrival, FrontEnd
from everloop.dev.samples.times import iso


def eventbridge(front: FrontEnd, arrival: Arrival, body: str | None) -> dict[str, Any]:
    """Give an event of an application's own; the body is its `detail`, an object of JSON.

    Raises `ValueError` for a body that is none.
    """
    detail: Any = {"message": "hello"}
    if body is not None:
        try:
            detail = json.loads(body)
        except ValueError as error:
            raise ValueError(
                f"The detail of an EventBridge event is an object of JSON, and {body!r} is not."
            ) from error
        if not isinstance(detail, dict):
            raise ValueError(f"The detail of an EventBridge event is an object of JSON, and {body!r} is not.")
    return _event(front, arrival, "com.example.app", "Something Happened", [], detail)


def schedule(front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give what a rule with a schedule sends."""
    rule = f"arn:aws:events:{front.region}:{front.account}:rule/every-five-minutes"
    return _event(front, arrival, "aws.events", "Scheduled Event", [rule], {})


def _event(
    front: FrontEnd, arrival: Arrival, source: str, kind: str, resources: list[str], detail: dict[str, Any]
) -> dict[str, Any]:
    return {
        "version": "0",
        "id": arrival.request_id,
        "detail-type": kind,
        "source": source,
        "account": front.account,
        "time": iso(arrival),
        "region": front.region,
        "resources": resources,
        "detail": detail,
    }
