"""A Lambda Function URL's event.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from typing import Any

from everloop.dev.events.parts import forwarded
from everloop.dev.events.payload2 import encode_payload2
from everloop.dev.events.request import Arrival, ClientRequest, FrontEnd


def encode_function_url(request: ClientRequest, front: FrontEnd, arrival: Arrival) -> dict[str, Any]:
    """Give the event of a URL without IAM. Its path keeps its percent-encoding, and it has no stage."""
    return encode_payload2(
        request,
        arrival,
        forwarded(request, arrival),
        path=request.path,
        context_path=request.path,
        stage="$default",
        request_id=arrival.request_id,
        account="anonymous",
        domain=front.url_domain,
    )
