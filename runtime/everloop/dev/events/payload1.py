"""Payload format 1.0: what REST APIs and HTTP APIs share.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from typing import Any

from everloop.dev.events.parts import last, listed, parameters
from everloop.dev.events.request import ClientRequest, Headers

_IDENTITY: dict[str, Any] = dict.fromkeys(
    (
        "accessKey",
        "accountId",
        "caller",
        "cognitoAmr",
        "cognitoAuthenticationProvider",
        "cognitoAuthenticationType",
        "cognitoIdentityId",
        "cognitoIdentityPoolId",
        "principalOrgId",
        "sourceIp",
        "user",
        "userAgent",
        "userArn",
    )
)


def encode_fields(headers: Headers, query: str) -> dict[str, Any]:
    """Give headers and parameters, each with its last value and with all; null where the query is empty."""
    values = listed(headers)
    found = parameters(query)
    return {
        "headers": last(values),
        "multiValueHeaders": values,
        "queryStringParameters": last(found) or None,
        "multiValueQueryStringParameters": found or None,
    }


def identity_of(request: ClientRequest) -> dict[str, Any]:
    """Give `requestContext.identity` of a caller that did not authenticate."""
    return _IDENTITY | {"sourceIp": request.ip, "userAgent": request.header("user-agent")}
