"""Which environment variables lead a function to the local `@connections` API."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from everloop.dev.gateway.config import GatewayConfig

ENDPOINT = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"

PROXIES = ("http_proxy", "all_proxy")
UNPROXIED = ("no_proxy", "NO_PROXY")


def environment_for(base_url: str, config: GatewayConfig, environ: Mapping[str, str]) -> dict[str, str]:
    """Give what must be in the function's environment for `websocket.send` to reach the clients of this gateway.

    `base_url` is the gateway's own (`http://127.0.0.1:9000`); `environ` what the function's environment would be
    without this, whose own endpoint wins. boto3's `apigatewaymanagementapi` client reads the same variable, where it
    is not given an `endpoint_url`. Requests are signed even here; the emulator gives the function credentials that
    mean nothing where the user has none. Where the user's shell has a proxy, it is none for this address.
    """
    if ENDPOINT in environ:
        return {}
    found = {ENDPOINT: f"{base_url.rstrip('/')}/{config.websocket_stage}"}
    if any(name.lower() in PROXIES for name in environ):
        host = urlsplit(base_url).hostname or ""
        before = next((environ[name] for name in UNPROXIED if environ.get(name)), "")
        found |= dict.fromkeys(UNPROXIED, f"{before},{host}" if before else host)
    return found
