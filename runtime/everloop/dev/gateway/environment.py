"""Which environment variables lead a function to the local `@connections` API."""

from collections.abc import Mapping
from pathlib import Path

from everloop.dev.gateway.config import GatewayConfig

_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE")
_CONTAINER = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")


def environment_for(base_url: str, config: GatewayConfig, environ: Mapping[str, str]) -> dict[str, str]:
    """Give what must be in the function's environment for `websocket.send` to reach the clients of this gateway.

    `base_url` is the gateway's own (`http://127.0.0.1:9000`); `environ` what the function's environment would be
    without this. Its own values win. Requests are signed even here, so where there are no credentials it gets some
    that mean nothing.
    """
    ours = {"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": f"{base_url.rstrip('/')}/{config.websocket_stage}"}
    if not _has_credentials(environ):
        ours |= {"AWS_ACCESS_KEY_ID": "everloop-dev", "AWS_SECRET_ACCESS_KEY": "everloop-dev"}
    return {name: value for name, value in ours.items() if name not in environ}


def _has_credentials(environ: Mapping[str, str]) -> bool:
    """Say whether botocore would find credentials by itself; files count only where they exist."""
    if any(environ.get(name) for name in (*_CREDENTIALS, *_CONTAINER)):
        return True
    home = Path(environ.get("HOME", "~")).expanduser()
    files = (
        environ.get("AWS_SHARED_CREDENTIALS_FILE", home / ".aws" / "credentials"),
        environ.get("AWS_CONFIG_FILE", home / ".aws" / "config"),
    )
    return any(Path(file).expanduser().is_file() for file in files)
