"""Which environment variables lead a function to the local `@connections` API."""

from collections.abc import Mapping

from everloop.dev.gateway.config import GatewayConfig

ENDPOINT = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"


def environment_for(base_url: str, config: GatewayConfig, environ: Mapping[str, str]) -> dict[str, str]:
    """Give what must be in the function's environment for `websocket.send` to reach the clients of this gateway.

    `base_url` is the gateway's own (`http://127.0.0.1:9000`); `environ` what the function's environment would be
    without this, whose own endpoint wins. boto3's `apigatewaymanagementapi` client reads the same variable, where it
    is not given an `endpoint_url`. Requests are signed even here; the emulator gives the function credentials that
    mean nothing where the user has none.
    """
    return {} if ENDPOINT in environ else {ENDPOINT: f"{base_url.rstrip('/')}/{config.websocket_stage}"}
