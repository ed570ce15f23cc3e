"""An API Gateway HTTP API's event, payload format 1.0.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from typing import Any

from everloop.dev.events.parts import api_body, forwarded, titled
from everloop.dev.events.payload1 import encode_fields, identity_of
from everloop.dev.events.request import API_ID, Arrival, ClientRequest, FrontEnd

_TITLED = frozenset(
    (
        "content-length",
        "content-type",
        "cookie",
        "host",
        "user-agent",
        "x-amzn-trace-id",
        "x-forwarded-for",
        "x-forwarded-port",
        "x-forwarded-proto",
    )
)
"""Names that API Gateway spells its own way in this format; others are as the client wrote them."""


def encode_http_api_1(request: ClientRequest, front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give the event. `path` is encoded, a named stage and a mapping stay in it; the query is decoded."""
    body, is_base64 = api_body(request)
    headers = forwarded(request, arrival)
    if request.header("content-length") is None:
        headers.append(("content-length", str(len(request.body))))
    return {
        "version": "1.0",
        "resource": "$default",
        "path": request.path,
        "httpMethod": request.method,
        **encode_fields(
            [(titled(name) if name.lower() in _TITLED else name, value) for name, value in headers], request.query
        ),
        "requestContext": {
            "accountId": front.account,
            "apiId": API_ID,
            "domainName": front.api_domain,
            "domainPrefix": API_ID,
            "extendedRequestId": arrival.extended_id,
            "httpMethod": request.method,
            "identity": identity_of(request),
            "path": request.path,
            "protocol": "HTTP/1.1",
            "requestId": arrival.extended_id,
            "requestTime": arrival.clf,
            "requestTimeEpoch": arrival.milliseconds,
            "resourceId": "$default",
            "resourcePath": "$default",
            "stage": front.stage or "$default",
        },
        "pathParameters": None,
        "stageVariables": None,
        "body": body,
        "isBase64Encoded": is_base64,
    }
