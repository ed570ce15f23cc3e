"""Payload format 2.0: what Function URLs and HTTP APIs share.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from typing import Any

from everloop.dev.events.parts import api_body, joined, parameters
from everloop.dev.events.request import Arrival, ClientRequest, Headers


def encode_payload2(
    request: ClientRequest,
    arrival: Arrival,
    headers: Headers,
    *,
    path: str,
    context_path: str,
    stage: str,
    request_id: str,
    account: str,
    domain: str,
) -> dict[str, Any]:
    """Give the event. Cookies have a list of their own, and there is no header of them beside it."""
    body, is_base64 = api_body(request)
    fields = joined([pair for pair in headers if pair[0].lower() != "cookie"])
    cookies = [
        cookie.strip()
        for name, value in headers
        if name.lower() == "cookie"
        for cookie in value.split(";")
        if cookie.strip()
    ]
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.query,
    }
    if cookies:
        event["cookies"] = cookies
    event["headers"] = fields
    if request.query:
        event["queryStringParameters"] = {name: ",".join(values) for name, values in parameters(request.query).items()}
    event["requestContext"] = {
        "accountId": account,
        "apiId": domain.partition(".")[0],
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": context_path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.ip,
            "userAgent": fields.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": "$default",
        "stage": stage,
        "time": arrival.clf,
        "timeEpoch": arrival.milliseconds,
    }
    if body is not None:
        event["body"] = body
    event["isBase64Encoded"] = is_base64
    return event
