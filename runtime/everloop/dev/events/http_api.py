"""An API Gateway HTTP API's event, payload format 2.0.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from typing import Any

from everloop.dev.events.parts import decoded_path, forwarded
from everloop.dev.events.payload2 import encode_payload2
from everloop.dev.events.request import Arrival, ClientRequest, FrontEnd


def encode_http_api(request: ClientRequest, front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give the event. API Gateway decodes the path, leaves a named stage in it, and takes a mapping out of it."""
    headers = forwarded(request, arrival)
    if request.header("content-length") is None:
        headers.append(("content-length", str(len(request.body))))
    path = decoded_path(request.path)
    return encode_payload2(
        request,
        arrival,
        headers,
        path=(path.removeprefix(front.base_path) or "/") if front.base_path else path,
        context_path=path,
        stage=front.stage or "$default",
        request_id=arrival.extended_id,
        account=front.account,
        domain=front.api_domain,
    )
