"""An API Gateway REST API's event, of a proxy resource at the root.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from typing import Any

from everloop.dev.events.parts import api_body, forwarded, titled
from everloop.dev.events.payload1 import encode_fields, identity_of
from everloop.dev.events.request import API_ID, Arrival, ClientRequest, FrontEnd

_MAPPED_STAGE = "prod"
"""The stage that a custom domain leads to: every REST API has one, but the URL need not show it."""


def encode_rest(request: ClientRequest, front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give the event. `path` is encoded and has no stage; a mapping stays in it; the query is decoded."""
    stage, path = front.stage, request.path
    if stage is not None and not front.base_path:
        path = path.removeprefix(f"/{stage}") or "/"
    proxied = path.removeprefix(front.base_path) if front.base_path else path
    resource = "/{proxy+}" if proxied.strip("/") else "/"
    body, is_base64 = api_body(request, forms_are_text=True)
    # The real one leaves the length out: https://github.com/aws/aws-lambda-dotnet/issues/559
    headers = [(titled(name), value) for name, value in forwarded(request, arrival) if name.lower() != "content-length"]
    return {
        "resource": resource,
        "path": path,
        "httpMethod": request.method,
        **encode_fields(headers, request.query),
        "pathParameters": {"proxy": proxied.removeprefix("/")} if proxied.strip("/") else None,
        "stageVariables": None,
        "requestContext": {
            "resourceId": "abc123",
            "resourcePath": resource,
            "operationName": None,
            "httpMethod": request.method,
            "extendedRequestId": arrival.extended_id,
            "requestTime": arrival.clf,
            "path": request.path,
            "accountId": front.account,
            "protocol": "HTTP/1.1",
            "stage": stage or _MAPPED_STAGE,
            "domainPrefix": API_ID,
            "requestTimeEpoch": arrival.milliseconds,
            "requestId": arrival.request_id,
            "identity": identity_of(request),
            "domainName": front.api_domain,
            "deploymentId": "deploy",
            "apiId": API_ID,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }
