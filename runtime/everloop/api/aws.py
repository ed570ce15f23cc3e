"""Signed requests to AWS: botocore's credentials, endpoints and signer over httpx.

Nothing imports this before it is needed: it takes a cold start more than everything else together. The packages come
with the extra `everloop[websocket]`.
"""

import asyncio
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import create_loader
from botocore.session import Session

from everloop.errors import AwsRefused, AwsUnreachable

_EXECUTE_API = re.compile(r"[a-z0-9-]+\.execute-api(?:-fips)?\.([a-z0-9-]+)\.(.+)").fullmatch

_DELAYS = (0.05, 0.2, 0.0)
"""Seconds after an attempt that AWS asks to repeat; as many attempts as delays."""

_TRANSIENT = frozenset((429, 500, 502, 503, 504))

_UNHEARD = (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError, httpx.WriteError)
"""What happens to a connection that died while the environment was frozen. botocore repeats all of these as well."""


@cache
def _suffixes() -> frozenset[str]:
    """Give what the domains of AWS end with, in all of its partitions: `amazonaws.com`, `amazonaws.eu`, …"""
    partitions = create_loader().load_data("partitions")["partitions"]
    names = ("dnsSuffix", "dualStackDnsSuffix")
    return frozenset(partition["outputs"][name] for partition in partitions for name in names)


@lru_cache(maxsize=64)
def region_in(domain: str) -> str | None:
    """Give the region of an API's own domain, None for a custom domain, which may look alike but ends otherwise."""
    found = _EXECUTE_API(domain)
    return found[1] if found and found[2] in _suffixes() else None


class AwsClient:
    """Sends signed requests over kept-alive connections of the running loop."""

    def __init__(self) -> None:
        self._session = Session()
        self._credentials: Any = None
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(10.0, connect=3.0))

    def region_of(self, domain: str) -> str:
        """Give the region of an API's own domain; a custom domain is in the region of the function."""
        return region_in(domain) or self.region

    @property
    def region(self) -> str:
        """The function's region."""
        return self._session.get_config_variable("region") or "us-east-1"

    def endpoint(self, service: str) -> str | None:
        """Give the URL that AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL or the AWS configuration set for a service."""
        if self._session.get_config_variable("ignore_configured_endpoint_urls"):
            return None
        found = ConfiguredEndpointProvider(
            full_config=self._session.full_config,
            scoped_config=self._session.get_scoped_config(),
            client_name=service,
        ).provide()
        return found.rstrip("/") if isinstance(found, str) else None

    def dynamodb_endpoint(self) -> str:
        """Give the URL of DynamoDB in the function's region, by botocore's own rules for partitions and FIPS."""
        if configured := self.endpoint("dynamodb"):
            return configured
        loader = create_loader()
        # By the version's name: a search for the latest one looks through the folders of all services.
        rules = loader.load_data("dynamodb/2012-08-10/endpoint-rule-set-1")
        found = EndpointProvider(rules, loader.load_data("partitions")).resolve_endpoint(
            Region=self.region,
            UseFIPS=bool(self._session.get_config_variable("use_fips_endpoint")),
            UseDualStack=bool(self._session.get_config_variable("use_dualstack_endpoint")),
        )
        url: str = found.url
        return url.rstrip("/")

    async def request(
        self, method: str, url: str, *, service: str, region: str, body: bytes = b"", headers: Mapping[str, str] = {}
    ) -> httpx.Response:
        """Sign and send; repeated where AWS asks for it or never heard it.

        Raises `AwsRefused` where there are no credentials, `AwsUnreachable` for a network that does not work.
        """
        for delay in _DELAYS:
            signed = await self._signed(method, url, service, region, body, headers)
            try:
                answer = await self._http.request(method, url, content=body, headers=signed)
            except httpx.HTTPError as error:
                if not delay or not isinstance(error, _UNHEARD):
                    raise AwsUnreachable(f"{method} {url}: {type(error).__name__} {error}") from error
            else:
                if answer.status_code not in _TRANSIENT or not delay:
                    return answer
            await asyncio.sleep(delay)
        raise AssertionError("unreachable: the last delay is 0")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _signed(
        self, method: str, url: str, service: str, region: str, body: bytes, headers: Mapping[str, str]
    ) -> dict[str, str]:
        request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
        SigV4Auth(await self._frozen(), service, region).add_auth(request)
        return {name: value if isinstance(value, str) else value.decode() for name, value in request.headers.items()}

    async def _frozen(self) -> Any:
        """Give the credentials as they are now. Under SnapStart they come by HTTP, which botocore does in a thread."""
        if self._credentials is None:
            self._credentials = await asyncio.to_thread(self._session.get_credentials)
        if self._credentials is None:
            raise AwsRefused("Signing a request", 0, b"there are no AWS credentials in the environment")
        needs_refresh = getattr(self._credentials, "refresh_needed", None)
        if needs_refresh is not None and needs_refresh():
            return await asyncio.to_thread(self._credentials.get_frozen_credentials)
        return self._credentials.get_frozen_credentials()
