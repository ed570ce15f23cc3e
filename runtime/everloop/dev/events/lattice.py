"""A VPC Lattice event, structure version 2 or 1.

Source: https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
"""

from typing import Any

from everloop.dev.events.parts import balancer_body, last, listed, raw_parameters
from everloop.dev.events.request import Arrival, ClientRequest, FrontEnd, Headers


def encode_lattice(request: ClientRequest, front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give the event of version 2: headers and parameters are lists; the time is in microseconds, as a string."""
    body, is_base64 = balancer_body(request, untyped_is_text=True)
    owner = f"arn:aws:vpc-lattice:{front.region}:{front.account}"
    event: dict[str, Any] = {
        "version": "2.0",
        "path": request.path,
        "method": request.method,
        "headers": listed(_headers(request)),
    }
    if request.query:
        event["queryStringParameters"] = raw_parameters(request.query)
    if request.body:
        event["body"] = body
    event["isBase64Encoded"] = is_base64
    event["requestContext"] = {
        "serviceNetworkArn": f"{owner}:servicenetwork/sn-0123456789abcdef0",
        "serviceArn": f"{owner}:service/svc-0123456789abcdef0",
        "targetGroupArn": f"{owner}:targetgroup/tg-0123456789abcdef0",
        "identity": {"sourceVpcArn": f"arn:aws:ec2:{front.region}:{front.account}:vpc/vpc-0123456789abcdef0"},
        "region": front.region,
        "timeEpoch": str(int(arrival.seconds * 1_000_000)),
    }
    return event


def encode_lattice_1(request: ClientRequest, front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give the event of version 1: the query stays in the path, headers are joined, of a parameter the last counts."""
    body, is_base64 = balancer_body(request, untyped_is_text=True)
    return {
        "raw_path": f"{request.path}?{request.query}" if request.query else request.path,
        "method": request.method,
        "headers": {name: ", ".join(values) for name, values in listed(_headers(request)).items()},
        "query_string_parameters": last(raw_parameters(request.query)),
        "body": body,
        "is_base64_encoded": is_base64,
    }


ADDED = ("x-forwarded-for", "x-forwarded-for-port", "x-forwarded-for-proto")


def _headers(request: ClientRequest) -> Headers:
    """Give the headers with what Lattice adds: the caller's address, and what port and scheme it spoke to.

    The examples for Lambda leave the latter out.
    Source: https://docs.aws.amazon.com/vpc-lattice/latest/ug/http-targets.html
    """
    before = request.header("x-forwarded-for")
    return [
        *((name.lower(), value) for name, value in request.headers if name.lower() not in ADDED),
        ("x-forwarded-for", f"{before}, {request.ip}" if before else request.ip),
        ("x-forwarded-for-port", str(request.port)),
        ("x-forwarded-for-proto", request.scheme),
    ]
