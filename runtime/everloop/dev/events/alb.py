"""An Application Load Balancer's event, with single-value or multi-value headers.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

from typing import Any

from everloop.dev.events.parts import balancer_body, forwarded, last, listed, raw_parameters
from everloop.dev.events.request import Arrival, ClientRequest, FrontEnd


def encode_alb(request: ClientRequest, front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give the event of a target group without multi-value headers: the last value of each, nothing decoded."""
    return _encode(
        request,
        front,
        {
            "queryStringParameters": last(raw_parameters(request.query)),
            "headers": last(_headers(request, arrival)),
        },
    )


def encode_alb_multi(request: ClientRequest, front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give the event of a target group with multi-value headers: lists in other fields, and the single ones gone."""
    return _encode(
        request,
        front,
        {
            "multiValueQueryStringParameters": raw_parameters(request.query),
            "multiValueHeaders": _headers(request, arrival),
        },
    )


def _headers(request: ClientRequest, arrival: Arrival) -> dict[str, list[str]]:
    return listed([(name.lower(), value) for name, value in forwarded(request, arrival)])


def _encode(request: ClientRequest, front: FrontEnd, fields: dict[str, Any]) -> dict[str, Any]:
    body, is_base64 = balancer_body(request)
    group = f"arn:aws:elasticloadbalancing:{front.region}:{front.account}:targetgroup/everloop/6d0ecf831eec9f09"
    return {
        "requestContext": {"elb": {"targetGroupArn": group}},
        "httpMethod": request.method,
        "path": request.path,
        **fields,
        "body": body,
        "isBase64Encoded": is_base64,
    }
